package sdk

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/anthill-grid/anthill/internal/steady"
)

// maxJobFile bounds the text of a job file, in bytes.
const maxJobFile = 1 << 30

// JobFile is a job as its author writes it, usually in YAML (JSON will do). Text arrives
// as it was typed: 00123, yes and 1.10 are no numbers or truth values where a name, an
// argument, a variable or an item stands. An example:
//
//	name: wordcount
//	bundle: wordcount.wasm        # relative to the job file
//	args: [--lower]
//	env: {LANG: C}
//	input:
//	  files: ["corpus/**/*.txt"]
//	  pack: 1MiB
//	data: {stopwords.txt: lists/stopwords.txt}
//	limits: {time: 30s, memory: 256MiB, output: 16MiB, fuel: 5G}
//	trust: {max_error: 1e-4}
//	allow_failed: 0.1
//	retain: 7d
//	unknown_imports: refuse
type JobFile struct {
	// Path is where the file lies: paths in it are relative to its directory.
	// A JobFile made by hand may leave it empty for the working directory.
	Path string `json:"-"`
	// AllowOutside lets it name files outside of that directory, also by links. By
	// itself it may not: it may be a stranger's, and what it names is sent to strangers.
	AllowOutside bool `json:"-"`

	// Name is for people: at most 64 letters, digits, '-', '_' and '.', a letter or a
	// digit first.
	Name string `json:"name"`
	// Bundle is the path of the WASM module, a WASI preview1 command. With Runtime it is
	// the interpreter; if it is empty then, that is the one that the grid has by this name.
	Bundle string `json:"bundle"`
	// Runtime is the interpreter of Script, a program: python, js, or whatever `anthill
	// runtime list` has. Without a script, it is started with Args alone.
	Runtime string `json:"runtime"`
	Script  string `json:"script"`
	// Modules are what a Python script imports: packages, directories with modules in
	// them, .py files, and wheels without native code.
	Modules []string          `json:"modules"`
	Args    []string          `json:"args"`
	Env     map[string]string `json:"env"`
	// Secret is like Env, but its values are shown to nobody who looks at the job. Workers
	// get them: strangers may read them.
	Secret map[string]string `json:"secret"`
	Input  Input             `json:"input"`
	// Data maps names, which are like Name, to paths of files, or to blob:ID for what
	// was put into the grid; the guest reads them as /data/NAME. At most 256.
	Data   map[string]string `json:"data"`
	Limits Limits            `json:"limits"`
	Trust  Trust             `json:"trust"`
	// AllowFailed is how many tasks may fail before the job does; none by default.
	AllowFailed Allowance `json:"allow_failed"`
	// Retain is for how long the job and its results are kept once it is finished: 1m to
	// ten years. By default it is as long as the grid keeps its owner's jobs.
	Retain Retention `json:"retain"`
	// InputWait is for how long the job waits for what its tasks read, while that is with
	// nobody who is there, as when the submitter went away too early; a day by default.
	InputWait Duration `json:"input_wait"`
	// UnknownImports is about functions that the module imports and the grid does
	// not have: "refuse", the default, refuses the module; "trap" accepts it, and a
	// task that calls one fails.
	UnknownImports string `json:"unknown_imports"`

	lines map[string]int // where the fields stand in the file
	made  string         // a file that was made for it, and may lie anywhere
}

// Input says what the tasks read on stdin. Exactly one of Files, Split, Range
// and Items is set.
type Input struct {
	// Files are glob patterns, ** included. Each file is one task, in the
	// sorted order of their paths; a file that two patterns match counts once.
	// Wildcards match no hidden files. What a pattern matches and is no file is left
	// out, and Prepared.Notices says so; what is named without wildcards must be there.
	Files []string `json:"files"`
	// FollowLinks, with Files, also takes files to which links lead out of the directory
	// where the pattern begins, and goes through links to directories.
	FollowLinks bool `json:"follow_links"`
	// Pack, with Files, puts whole files together, in sorted order, until a
	// task would read more than this. A line end is added to a file that
	// lacks its last one.
	Pack Size `json:"pack"`
	// Split cuts one file.
	Split *Split `json:"split"`
	// Range gives each task a line "LO HI\n".
	Range *Range `json:"range"`
	// Items gives each task one value and a line end: strings as they are,
	// anything else as JSON. Those of a job file are strings, as they were typed, or
	// json.RawMessage for lists and maps.
	Items []any `json:"items"`
}

// Split cuts one file, either into runs of Lines lines or into runs of Size
// bytes wherever they end.
type Split struct {
	// File is a path or, with Size, blob:ID for what was put into the grid.
	File  string `json:"file"`
	Lines int64  `json:"lines"`
	Size  Size   `json:"size"`
}

// Range is the numbers From <= n < To in runs of Step: task i reads the line
// "LO HI\n" with LO = From + i*Step and HI = min(LO+Step, To).
type Range struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
	Step int64 `json:"step"`
}

// Limits bound one attempt at a task; zero means the grid's default.
type Limits struct {
	// Time is processor time on Linux workers and time on the clock on others:
	// 1ms to 24h, default 10m.
	Time Duration `json:"time"`
	// Memory is the guest's linear memory: 64KiB to 4GiB, default 512MiB.
	Memory Size `json:"memory"`
	// Output is what the guest may write on stdout: at most 256MiB, default 16MiB.
	Output Size `json:"output"`
	// Fuel is the work that the guest may do: a task that needs more has failed,
	// on every machine alike. Zero means no limit.
	Fuel Fuel `json:"fuel"`
}

// Trust says what it takes to believe results: MaxError or, for fixed
// replication, the other fields. Left empty, it asks for a MaxError of 1e-4.
type Trust struct {
	// MaxError is the expected share of wrong results that the submitter
	// accepts in the finished job, above 0 and below 1, to nine decimal places.
	// The grid spends as few extra attempts as that allows.
	MaxError Share `json:"max_error"`

	// Replicas is how many attempts at every task are started at once, 1 to 16. 1
	// alone is for machines of one's own: apart from spot checks each task runs once.
	Replicas uint32 `json:"replicas"`
	// Quorum is how many agreeing attempts accept a result, 2 to 16.
	Quorum uint32 `json:"quorum"`
	// MaxAttempts is after how many attempts without agreement a task fails, at most
	// 64.
	MaxAttempts uint32 `json:"max_attempts"`
}

// LoadJobFile reads and checks a job file. Errors are of kind ErrInvalid.
func LoadJobFile(path string) (*JobFile, error) {
	text, err := steady.ReadAll(path, maxJobFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, invalid("give the path of a job file, such as examples/wordcount/job.yaml", "job file %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("job file %w", err) // it begins with the path
	}
	return ParseJobFile(path, text)
}

// ParseJobFile reads and checks the text of a job file. The path stands in
// error messages, and its directory is where relative paths start. Errors are of
// kind ErrInvalid.
func ParseJobFile(path string, text []byte) (*JobFile, error) {
	file := &JobFile{Path: path}
	if err := decodeStrict(text, file); err != nil {
		return nil, fmt.Errorf("job file %s: %w", path, err)
	}
	if err := file.Check(); err != nil {
		return nil, err
	}
	return file, nil
}

// Resolve makes a path of the job file absolute or relative to the working
// directory.
func (f *JobFile) Resolve(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(filepath.Dir(f.Path), filepath.FromSlash(path))
}

// label is the job file in messages.
func (f *JobFile) label() string {
	if f.Path == "" {
		return "job"
	}
	return "job file " + f.Path
}
