package sandbox

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/worker/sandbox/prices"
	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

// ErrClosed is returned by a Slot that was closed.
var ErrClosed = errors.New("sandbox slot is closed")

// compileTime is how long a module may take to compile. Honest modules of
// 30 MB take 20 s.
const compileTime = 60 * time.Second

// helloTime is how long a new child may take until it is ready. It takes
// milliseconds, but a busy machine may not schedule it for a long time.
const helloTime = 30 * time.Second

// Config is what a Slot needs.
type Config struct {
	// Command starts a child, which must call ChildMain with its standard
	// input and output; for example {executable, "sandbox-child"}. The first
	// word is best an absolute path. The child gets no environment.
	Command []string
	// CacheDir keeps compiled code. It is made private to the user (0700),
	// may be shared by the slots of one worker and never between machines.
	CacheDir string
	// CacheSize bounds what CacheDir keeps, in bytes; 0: only the number of modules
	// is bounded.
	CacheSize int64
	// SealKey is what entries of CacheDir are sealed with. Whoever has it can have code run
	// as it is: no child may be able to read it. nil: seals find damage alone, not malice.
	SealKey []byte
	// Readable are the directories that the files of tasks lie in: modules,
	// inputs and data. On Linux the child can read nothing else.
	Readable []string
	// Rewrite says how modules are changed before they run; nil: in all ways,
	// which is what makes results comparable. Benchmarks leave some out.
	Rewrite *rewrite.Options
	// Interpreter runs modules on the engine's interpreter, which is 10 to 100 times
	// slower than compiled code and keeps nothing in CacheDir. It is for comparing:
	// what differs between the two engines would differ between workers.
	Interpreter bool
	// Logger hears of children that start and die; nil for silence.
	Logger *slog.Logger
}

// Slot runs one task at a time in a child process that it starts when needed
// and keeps for the next task, of the same module or of another.
type Slot struct {
	command     []string
	cacheDir    string
	cacheSize   int64
	sealKey     []byte
	readable    []string
	rewrite     rewrite.Options
	interpreter bool
	logger      *slog.Logger
	compile     time.Duration
	closed      chan struct{}
	closing     sync.Once

	gate *gate

	mu    sync.Mutex  // held through a Run
	child *process    // nil before the first task and after a kill
	code  string      // the entry that the child was given last
	walls walls.State // of the child that was started last
}

// NewSlot makes the cache directory and a slot without a child.
func NewSlot(cfg Config) (*Slot, error) {
	if len(cfg.Command) == 0 || cfg.Command[0] == "" {
		return nil, errors.New("new sandbox slot: no command to start a child")
	}
	if cfg.CacheDir == "" {
		return nil, errors.New("new sandbox slot: no cache directory")
	}
	dir, err := privateDir(cfg.CacheDir)
	if err != nil {
		return nil, fmt.Errorf("new sandbox slot: cache directory: %w", err)
	}
	readable, err := absolute(cfg.Readable)
	if err != nil {
		return nil, fmt.Errorf("new sandbox slot: readable directory: %w", err)
	}
	logger := cfg.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	options := rewrite.Options{NaN: true, Depth: true, Fuel: true}
	if cfg.Rewrite != nil {
		options = *cfg.Rewrite
	}
	return &Slot{
		command: cfg.Command, cacheDir: dir, cacheSize: cfg.CacheSize, sealKey: cfg.SealKey, readable: readable, rewrite: options, interpreter: cfg.Interpreter, logger: logger,
		compile: compileTime, closed: make(chan struct{}), gate: newGate(),
	}, nil
}

// privateDir makes a directory that only this user can enter. Compiled code is
// run as it is found there.
func privateDir(path string) (string, error) {
	dir, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return dir, os.Chmod(dir, 0o700)
}

func absolute(paths []string) ([]string, error) {
	list := make([]string, len(paths))
	for i, p := range paths {
		var err error
		if list[i], err = filepath.Abs(p); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Walls starts a child if there is none, and tells which walls it has put up
// around itself. It waits for a task that is under way.
func (s *Slot) Walls(ctx context.Context) (walls.State, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.ready(ctx); err != nil {
		return walls.State{}, fmt.Errorf("look at sandbox walls: %w", err)
	}
	return s.walls, nil
}

// Pause stops the child where it is, with the task that it runs, and starts no
// other one until Resume. Time limits stand still as well; a kill does not wait.
// Where the system cannot stop a process (Windows) the error is
// errors.ErrUnsupported, and the task under way goes on to its end.
func (s *Slot) Pause() error {
	if err := s.gate.set(true); err != nil {
		return fmt.Errorf("pause sandbox slot: %w", err)
	}
	return nil
}

// Resume undoes Pause.
func (s *Slot) Resume() error {
	if err := s.gate.set(false); err != nil {
		return fmt.Errorf("resume sandbox slot: %w", err)
	}
	return nil
}

// Run runs a task to its end. Tasks of one slot wait for each other.
//
// An error means that there is no result and the task is not to blame: a bad
// Task, a file that cannot be read, a child that cannot be started, or ctx,
// whose end kills the guest. Everything that a guest can do comes back as a
// Result.
func (s *Slot) Run(ctx context.Context, t Task) (Result, error) {
	if err := t.validate(); err != nil {
		return Result{}, fmt.Errorf("run task: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.gate.pass(ctx, s.closed); err != nil {
		return Result{}, fmt.Errorf("run task: %w", err)
	}
	warm := s.child != nil
	result, err := s.attempt(ctx, t)
	if warm && errors.Is(err, errNotStarted) {
		// A child that died while idle takes no task with it.
		result, err = s.attempt(ctx, t)
	}
	if err != nil {
		return Result{}, fmt.Errorf("run task: %w", err)
	}
	return result, nil
}

// Close kills the child, and the task that runs in it. Run then returns
// ErrClosed.
func (s *Slot) Close() {
	s.closing.Do(func() { close(s.closed) })
	s.mu.Lock()
	defer s.mu.Unlock()
	s.discard()
}

func (s *Slot) attempt(ctx context.Context, t Task) (Result, error) {
	req, err := s.request(t)
	if err != nil {
		return Result{}, err
	}
	entry, refused, err := s.provide(ctx, t, req)
	if err != nil {
		return Result{}, err
	}
	if refused != nil {
		return *refused, nil
	}
	req.Entry = entry
	if err := s.ready(ctx); err != nil {
		return Result{}, err
	}
	return s.have(ctx, t, req, nil)
}

// have has the child do what a request says. kept, unless nil, hears whether the code is
// in its entry.
func (s *Slot) have(ctx context.Context, t Task, req request, kept *bool) (Result, error) {
	input := t.input()
	if req.Compile {
		input = nil
	}
	running, done := make(chan struct{}), make(chan answer, 1)
	go func(child *process) {
		a := child.exchange(req, input, running, t.FuelUsed)
		if kept != nil {
			*kept = a.report.Kept
		}
		done <- a
	}(s.child)
	return s.supervise(ctx, t, running, done)
}

// ready sees to it that there is a child.
func (s *Slot) ready(ctx context.Context) error {
	select {
	case <-s.closed:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
	default:
	}
	if s.child != nil && s.child.gone() {
		s.discard()
	}
	if s.child != nil {
		return nil
	}
	return s.start(ctx, setup{Readable: append([]string{s.cacheDir}, s.readable...)})
}

// greet waits until a new child has put up its walls.
func (s *Slot) greet(ctx context.Context, child *process, within setup) (walls.State, error) {
	var w walls.State
	done := make(chan error, 1)
	go func() { done <- child.greet(within, &w) }()
	timer := time.NewTimer(helloTime)
	defer timer.Stop()
	select {
	case err := <-done:
		if err == nil {
			return w, nil
		}
		child.kill()
		return walls.State{}, fmt.Errorf("start sandbox child: %w: %s", err, child.obituary())
	case <-timer.C:
		return walls.State{}, fmt.Errorf("start sandbox child: it was not ready within %v", helloTime)
	case <-ctx.Done():
		return walls.State{}, context.Cause(ctx)
	case <-s.closed:
		return walls.State{}, ErrClosed
	}
}

// supervise waits for the answer, the time limit, or the end of interest.
func (s *Slot) supervise(ctx context.Context, t Task, running chan struct{}, done chan answer) (Result, error) {
	r := s.newRun(t)
	defer r.timer.Stop()
	for {
		shut, changed := s.gate.state()
		r.look()
		r.pause(shut && walls.CanHalt)
		select {
		case a := <-done:
			return s.settle(a, r)
		case <-running:
			running = nil
			r.begin()
		case <-changed:
		case <-r.timer.C:
			if r.look(); r.left() <= 0 {
				late := r.late()
				s.discard() // which takes a while where no processor is idle
				return late, nil
			}
			if err := r.starved(); err != nil {
				s.discard()
				return Result{}, err
			}
			r.setTimer()
		case <-ctx.Done():
			s.discard()
			return Result{}, context.Cause(ctx)
		case <-s.closed:
			s.discard()
			return Result{}, ErrClosed
		}
	}
}

// settle turns an answer into a result, and a silent child into Killed.
func (s *Slot) settle(a answer, r *supervisedRun) (Result, error) {
	if errors.Is(a.err, errNotStarted) {
		s.discard()
		return Result{}, a.err
	}
	if a.err != nil {
		child := s.child
		s.discard()
		return Result{Status: Killed, Reason: causeOfDeath(child, a.err), Elapsed: r.elapsed()}, nil
	}
	if a.report.Fault != "" {
		return Result{}, errors.New(a.report.Fault)
	}
	if a.report.Status == Killed {
		s.discard() // the engine failed, and its state cannot be trusted
	}
	return Result{
		Status:   a.report.Status,
		ExitCode: a.report.ExitCode,
		Reason:   a.report.Reason,
		Output:   a.output,
		Stderr:   a.report.Stderr,
		Elapsed:  max(0, a.report.Elapsed-r.rested()),
		Fuel:     a.report.Fuel,
		Memory:   a.report.Memory,
	}, nil
}

// discard kills the child; the next task gets a new one.
func (s *Slot) discard() {
	if s.child == nil {
		return
	}
	_ = s.gate.adopt(nil) // nothing to stop, so nothing can fail
	s.child.kill()
	s.code = ""
	s.logger.Debug("sandbox child ended", "pid", s.child.cmd.Process.Pid, "how", s.child.obituary())
	s.child = nil
}

// request names files by absolute paths, since the child works elsewhere.
func (s *Slot) request(t Task) (request, error) {
	r := request{
		ModuleID: t.ModuleID,
		Args:     t.Args, Env: t.Env, Data: make(map[string]string, len(t.Data)),
		Seed: t.Seed[:], Memory: t.Memory, Output: t.Output, Time: t.Time, Fuel: t.Fuel,
		Metering: cmp.Or(t.Metering, prices.ByWork), TrapUnknown: t.TrapUnknown,
		Rewrite: s.rewrite, Interpreter: s.interpreter,
	}
	r.Rewrite.OldFuel = r.Rewrite.Fuel && r.Metering == prices.ByClaim
	var err error
	if r.Module, err = filepath.Abs(t.Module); err != nil {
		return request{}, err
	}
	if t.StdinFile.Path != "" {
		r.StdinFile = t.StdinFile
		if r.StdinFile.Path, err = filepath.Abs(t.StdinFile.Path); err != nil {
			return request{}, err
		}
	}
	for name, path := range t.Data {
		if r.Data[name], err = filepath.Abs(path); err != nil {
			return request{}, err
		}
	}
	return r, nil
}

// input is what goes through the pipe.
func (t Task) input() []byte {
	if t.StdinFile.Path != "" {
		return nil
	}
	return t.Stdin
}
