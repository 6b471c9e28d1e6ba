package screen

// The limits of a module. RATIONALE.md says what they were measured against,
// docs/tasks.md lists them for people.
const (
	// MaxSize is the largest module that is accepted, in bytes.
	MaxSize = 64 << 20
	// MaxTypes, MaxParams and MaxResults bound the function types.
	MaxTypes   = 2_000
	MaxParams  = 128
	MaxResults = 32
	// MaxImports and MaxExports bound what the module says of its outside.
	MaxImports = 1_000
	MaxExports = 1_000
	// MaxName is the longest name of an import or export, in bytes.
	MaxName = 4 << 10
	// MaxFunctions is the number of functions with a body.
	MaxFunctions = 100_000
	// MaxGlobals and MaxMutableGlobals bound the global variables.
	MaxGlobals        = 1_000
	MaxMutableGlobals = 128
	// MaxTables bounds the tables, MaxTableEntries the entries of all of them
	// together, at their largest.
	MaxTables       = 16
	MaxTableEntries = 200_000
	// MaxElementSegments and MaxElements bound what is copied into tables.
	MaxElementSegments = 1_000
	MaxElements        = 200_000
	// MaxDataSegments is as many as Go's linker makes at most.
	MaxDataSegments = 100_000
	// MaxCustomSections bounds the sections that no engine runs.
	MaxCustomSections = 256
	// MaxLocals is the number of locals of a function with its parameters.
	MaxLocals = 1_000
	// MaxCode is the length of all function bodies, in bytes.
	MaxCode = 32 << 20
	// MaxBody is the longest function body, in bytes.
	MaxBody = 512 << 10
	// MaxDepth is how deep blocks may be nested. Go's are as deep as a function
	// is long.
	MaxDepth = 4_000
	// MaxBranchTable is the number of targets of one br_table.
	MaxBranchTable = 10_000
	// MaxWork is what compiling one function may cost, in the units that meter
	// counts: up to 3 us and 2 KB each where it is worst, 0.5 us in Go guests.
	MaxWork = 3 << 19
	// ModuleWork and WorkPerByte are what all functions may cost together:
	// ModuleWork, and WorkPerByte for each byte of their code. Compilers for Go,
	// C and Rust make code of 0.3 to 0.6 units a byte, up to 4 in small modules.
	ModuleWork  = 1 << 21
	WorkPerByte = 1
)

// Sizes of sections whose entries may have less than a byte to themselves.
const (
	maxTypeBytes    = MaxTypes * (MaxParams + MaxResults + 8)
	maxElementBytes = 16 * MaxElements
)
