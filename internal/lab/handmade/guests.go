package handmade

// The instructions that the guests use.
const (
	opUnreachable  = 0x00
	opNop          = 0x01
	opBlock        = 0x02
	opLoop         = 0x03
	opIf           = 0x04
	opEnd          = 0x0b
	opBranch       = 0x0c
	opBranchIf     = 0x0d
	opBranchTable  = 0x0e
	opReturn       = 0x0f
	opCall         = 0x10
	opCallIndirect = 0x11
	opDrop         = 0x1a
	opLocalGet     = 0x20
	opLocalSet     = 0x21
	opLocalTee     = 0x22
	opLoad         = 0x28
	opStore        = 0x36
	opMemorySize   = 0x3f
	opMemoryGrow   = 0x40
	opConst        = 0x41
	opConst64      = 0x42
	opIsZero       = 0x45
	opEqual        = 0x46
	opLess         = 0x49
	opAdd          = 0x6a
	opMultiply     = 0x6c
	opAnd          = 0x71
	opSub          = 0x6b
	opPrefix       = 0xfc
	void           = 0x40
)

// Noop does nothing and exits with 0.
func Noop() []byte { return Spec{Pages: 1}.Encode() }

// Exit leaves with an exit code.
func Exit(code byte) []byte {
	return Spec{
		Imports: []Import{{ABI, "proc_exit", OneArg}},
		Code:    []byte{opConst, code & 0x3f, opCall, 0},
		Pages:   1,
	}.Encode()
}

// Trap runs into an unreachable instruction.
func Trap() []byte { return Spec{Code: []byte{opUnreachable}, Pages: 1}.Encode() }

// Loop never ends.
func Loop() []byte {
	return Spec{Code: []byte{opLoop, void, opBranch, 0, opEnd}, Pages: 1}.Encode()
}

// Echo copies its input to its output.
func Echo() []byte { return echoAfter(nil) }

// EchoAfter computes for a while, as Count does, and then is Echo.
func EchoAfter(millions uint32) []byte { return echoAfter(count(millions)) }

// echoAfter has one local, for the code that comes first.
func echoAfter(first []byte) []byte {
	code := join(
		first,
		[]byte{opLoop, void},
		ioVector(4096),
		[]byte{
			opConst, 0, opConst, 0, opConst, 1, opConst, 8, opCall, 0, opDrop, // fd_read(0, 0, 1, 8)
			opConst, 8, opLoad, 2, 0, opIsZero, // nothing came?
			opIf, void, opReturn, opEnd,
			opConst, 4, opConst, 8, opLoad, 2, 0, opStore, 2, 0, // length = what came
			opConst, 1, opConst, 0, opConst, 1, opConst, 8, opCall, 1, opDrop, // fd_write(1, 0, 1, 8)
			opBranch, 0, opEnd,
		},
	)
	return Spec{
		Imports: []Import{{ABI, "fd_read", FourArgs}, {ABI, "fd_write", FourArgs}},
		Code:    code,
		Locals:  1,
		Pages:   1,
	}.Encode()
}

// Print writes a text on a descriptor (1 or 2) and exits with 0.
func Print(fd byte, text string) []byte {
	code := join(ioVector(len(text)), []byte{
		opConst, fd, opConst, 0, opConst, 1, opConst, 8, opCall, 0, opDrop,
	})
	return Spec{
		Imports: []Import{{ABI, "fd_write", FourArgs}},
		Code:    code,
		Pages:   1,
		Data:    append(make([]byte, 16), text...),
	}.Encode()
}

// Pad copies the first 64 bytes of its input to its output, and zeros up to so many bytes.
func Pad(size int) []byte {
	code := join(
		ioVector(64), []byte{opConst, 0, opConst, 0, opConst, 1, opConst, 8, opCall, 0, opDrop}, // fd_read(0, 0, 1, 8)
		ioVector(size), []byte{opConst, 1, opConst, 0, opConst, 1, opConst, 8, opCall, 1, opDrop}, // fd_write(1, 0, 1, 8)
	)
	return Spec{
		Imports: []Import{{ABI, "fd_read", FourArgs}, {ABI, "fd_write", FourArgs}},
		Code:    code,
		Pages:   uint32(size>>16) + 2,
	}.Encode()
}

// Random takes so many random bytes, at most 1 MiB, so many times.
func Random(calls int, length uint32) []byte {
	call := join([]byte{opConst, 0, opConst}, signedLEB(int64(length)), []byte{opCall, 0, opDrop})
	return Spec{
		Imports: []Import{{ABI, "random_get", firstOwn}}, Types: []Shape{{2, 1}},
		Code: repeat(calls, call), Pages: 16,
	}.Encode()
}

// Flood writes blocks of 4 KiB on a descriptor (1 or 2) for ever.
func Flood(fd byte) []byte {
	code := join(ioVector(4096), []byte{
		opLoop, void,
		opConst, fd, opConst, 0, opConst, 1, opConst, 8, opCall, 0, opDrop,
		opBranch, 0, opEnd,
	})
	return Spec{Imports: []Import{{ABI, "fd_write", FourArgs}}, Code: code, Pages: 1}.Encode()
}

// Grow takes memory, a page at a time, until there is no more, and writes the
// number of pages that it had as 4 bytes, least significant first.
func Grow() []byte {
	code := join([]byte{
		opLoop, void,
		opConst, 1, opMemoryGrow, 0, opConst, 0x7f, opEqual, opIsZero, opBranchIf, 0,
		opEnd,
		opConst, 16, opMemorySize, 0, opStore, 2, 0,
	}, ioVector(4), []byte{
		opConst, 1, opConst, 0, opConst, 1, opConst, 8, opCall, 0, opDrop,
	})
	return Spec{Imports: []Import{{ABI, "fd_write", FourArgs}}, Code: code, Pages: 1}.Encode()
}

// GrowTable takes table entries, a million at a time, until there are no more:
// memory which the limit on linear memory does not cover.
func GrowTable() []byte {
	million := []byte{opConst, 0xc0, 0x84, 0x3d}
	code := join(
		[]byte{opLoop, void, 0xd0, 0x70}, million, // ref.null func
		[]byte{opPrefix, 15, 0, opConst, 0x7f, opEqual, opIsZero, opBranchIf, 0, opEnd},
	)
	return Spec{Code: code, Pages: 1, Table: true}.Encode()
}

// FillTable takes a million table entries and writes them over for ever.
func FillTable() []byte {
	million := []byte{opConst, 0xc0, 0x84, 0x3d}
	code := join(
		[]byte{0xd0, 0x70}, million, []byte{opPrefix, 15, 0, opDrop}, // table.grow
		[]byte{opLoop, void, opConst, 0, 0xd0, 0x70}, million, []byte{opPrefix, 17, 0, opBranch, 0, opEnd}, // table.fill
	)
	return Spec{Code: code, Pages: 1, Table: true}.Encode()
}

// GrowForEver asks for a page of memory again and again, whatever it is told.
func GrowForEver() []byte {
	return Spec{Code: []byte{opLoop, void, opConst, 1, opMemoryGrow, 0, opDrop, opBranch, 0, opEnd}, Pages: 1}.Encode()
}

// FillMemory fills its memory, of so many pages, so many times; -1 for ever.
func FillMemory(pages uint32, times int32) []byte {
	return Spec{Pages: pages, Locals: 1, Code: join(
		[]byte{opLoop, void, opConst, 0, opLocalGet, 0, opConst}, signedLEB(int64(pages)<<16),
		[]byte{opPrefix, 11, 0}, // memory.fill
		[]byte{opLocalGet, 0, opConst, 1, opAdd, opLocalTee, 0, opConst}, signedLEB(int64(times)),
		[]byte{opEqual, opIsZero, opBranchIf, 0, opEnd},
	)}.Encode()
}

// Recurse calls itself until the stack is full.
func Recurse() []byte { return Spec{Code: []byte{opCall, 0}, Pages: 1}.Encode() }

// CallTree calls itself twice, down to a depth of at most 63: 2^depth calls on a
// stack that stays small. Not one loop is in it.
func CallTree(depth byte) []byte {
	return Spec{Code: []byte{
		opConst, 0, opConst, 0, opLoad, 2, 0, opConst, 1, opAdd, opStore, 2, 0,
		opConst, 0, opLoad, 2, 0, opConst, depth & 0x3f, opLess,
		opIf, void, opCall, 0, opCall, 0, opEnd,
		opConst, 0, opConst, 0, opLoad, 2, 0, opConst, 1, opSub, opStore, 2, 0,
	}, Pages: 1}.Encode()
}

// Count adds up in a loop of n turns, a million if n is 1: pure computing that
// never leaves the guest.
func Count(millions uint32) []byte {
	return Spec{Code: count(millions), Locals: 1, Pages: 1}.Encode()
}

// Descend calls itself for ever and writes a byte on every 64th level, so that
// its output tells how deep it came.
func Descend() []byte {
	code := join(ioVector(1), []byte{
		opConst, 24, opConst, 24, opLoad, 2, 0, opConst, 1, opAdd, opStore, 2, 0, // level++
		opConst, 24, opLoad, 2, 0, opConst, 63, opAnd, opIsZero,
		opIf, void,
		opConst, 1, opConst, 0, opConst, 1, opConst, 8, opCall, 0, opDrop, // fd_write(1, 0, 1, 8)
		opEnd,
		opCall, 1,
	})
	return Spec{Imports: []Import{{ABI, "fd_write", FourArgs}}, Code: code, Pages: 1}.Encode()
}

func count(millions uint32) []byte {
	return join(
		[]byte{opLoop, void, opLocalGet, 0, opConst, 1, opAdd, opLocalSet, 0, opLocalGet, 0},
		[]byte{opConst}, signedLEB(int64(int32(millions*1_000_000))),
		[]byte{opEqual, opIsZero, opBranchIf, 0, opEnd},
	)
}

// ioVector stores {address 16, length} at address 0.
func ioVector(length int) []byte {
	return join(
		[]byte{opConst, 0, opConst, 16, opStore, 2, 0, opConst, 4, opConst},
		signedLEB(int64(length)), []byte{opStore, 2, 0},
	)
}

func signedLEB(v int64) []byte {
	var out []byte
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && low&0x40 == 0) || (v == -1 && low&0x40 != 0) {
			return append(out, low)
		}
		out = append(out, low|0x80)
	}
}

func join(parts ...[]byte) []byte {
	var out []byte
	for _, p := range parts {
		out = append(out, p...)
	}
	return out
}
