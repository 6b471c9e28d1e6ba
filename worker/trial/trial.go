// Package trial runs one task alone, as a worker would: in a sandbox's child,
// rewritten, within the same walls and limits. It runs it on both engines and says
// whether what the grid compares is the same; so that authors see before they
// submit a job what would come of it.
package trial

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/anthill-grid/anthill/internal/tempdir"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// patience is how many times a task's limit the interpreter may take.
const patience = 1000

// The engines.
const (
	Compiler    = "compiler"
	Interpreter = "interpreter"
)

// Config is what a trial needs.
type Config struct {
	// Command starts a sandbox's child, see sandbox.Config.
	Command []string
	// Module is what lies at the task's path: a file can change until it is run, and what is
	// compiled from it is kept by its hash. Nil: the file does not change.
	Module []byte
	// Cache is a private directory that keeps compiled code for the next trial, at most
	// CacheSize bytes; without one, all is compiled anew.
	Cache string
	// SkipInterpreter leaves out the slow run.
	SkipInterpreter bool
	// Begin hears of each run before it starts; nil for silence.
	Begin func(engine string)
}

// Run is one run of the task.
type Run struct {
	Engine string
	sandbox.Result
}

// Report is what came of a trial.
type Report struct {
	// Runs are two on the compiler and one on the interpreter, or fewer if a run
	// ended in a way that depends on the machine, or the module was refused.
	Runs []Run
	// Differences say what the runs do not agree on, each in one line.
	Differences []string
	// Missing says which later run gave no result to compare, and why: time and
	// memory are the machine's. It is empty if all did.
	Missing string
}

// First is the run that the others are compared with.
func (r Report) First() Run { return r.Runs[0] }

// Passed tells whether the task succeeded, each time with the same result.
func (r Report) Passed() bool {
	return r.First().Succeeded() && len(r.Differences) == 0 && r.Missing == ""
}

// Do runs the task. An error means that there is no result and the task is not to
// blame; see sandbox.Slot.
func Do(ctx context.Context, cfg Config, t sandbox.Task) (report Report, err error) {
	dir, err := tempdir.Make("task")
	if err != nil {
		return Report{}, fmt.Errorf("try task: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }()
	if cfg.Cache == "" {
		cfg.Cache = filepath.Join(dir, "compiled")
	}
	if cfg.Module != nil {
		t.Module = filepath.Join(dir, "module.wasm")
		if err := os.WriteFile(t.Module, cfg.Module, 0o600); err != nil {
			return Report{}, fmt.Errorf("try task: %w", err)
		}
	}
	for _, stage := range cfg.stages() {
		runs, err := stage.run(ctx, cfg, t)
		report.Runs = append(report.Runs, runs...)
		if err != nil {
			return Report{}, fmt.Errorf("try task on the %s: %w", stage.engine, err)
		}
		if !lasting(report.Runs[len(report.Runs)-1].Status) {
			break
		}
	}
	report.compare()
	return report, nil
}

func (r *Report) compare() {
	for _, other := range r.Runs[1:] {
		if !lasting(other.Status) {
			r.Missing = fmt.Sprintf("the %s gave no result to compare: %v: %s", other.Engine, other.Status, other.Reason)
			continue
		}
		r.Differences = append(r.Differences, differences(r.First(), other)...)
	}
}

// stage are some runs on one engine, in one child.
type stage struct {
	engine string
	times  int
}

func (c Config) stages() []stage {
	stages := []stage{{Compiler, 2}}
	if !c.SkipInterpreter {
		stages = append(stages, stage{Interpreter, 1})
	}
	return stages
}

func (s stage) run(ctx context.Context, cfg Config, t sandbox.Task) (runs []Run, err error) {
	sealKey, err := sealKeyOf(cfg.Cache)
	if err != nil {
		return nil, err
	}
	slot, err := sandbox.NewSlot(sandbox.Config{
		Command: cfg.Command, CacheDir: cfg.Cache, CacheSize: CacheSize, SealKey: sealKey, Readable: directories(t), Interpreter: s.engine == Interpreter,
	})
	if err != nil {
		return nil, err
	}
	defer slot.Close()
	if s.engine == Interpreter {
		t.Time = min(t.Time, (1<<62)/patience) * patience
	}
	for range s.times {
		if cfg.Begin != nil {
			cfg.Begin(s.engine)
		}
		result, err := slot.Run(ctx, t)
		if err != nil {
			return runs, err
		}
		runs = append(runs, Run{s.engine, result})
		if !lasting(result.Status) {
			break
		}
	}
	return runs, nil
}

// lasting tells whether an end is worth comparing with that of another run.
func lasting(s sandbox.Status) bool {
	return s != sandbox.TimedOut && s != sandbox.Killed && s != sandbox.Refused
}

// directories are those of the files that the task reads.
func directories(t sandbox.Task) []string {
	dirs := []string{filepath.Dir(t.Module)}
	for _, path := range t.Data {
		dirs = append(dirs, filepath.Dir(path))
	}
	return dirs
}

// Compiled is the time of the quickest run of compiled code.
func (r Report) Compiled() time.Duration { return r.quickest(Compiler) }

// Interpreted is the time that the interpreter took, 0 if it was left out.
func (r Report) Interpreted() time.Duration { return r.quickest(Interpreter) }

func (r Report) quickest(engine string) (least time.Duration) {
	for _, run := range r.Runs {
		if run.Engine == engine && (least == 0 || run.Elapsed < least) {
			least = run.Elapsed
		}
	}
	return least
}
