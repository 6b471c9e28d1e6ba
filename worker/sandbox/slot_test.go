package sandbox

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

func TestRunGivesTheOutput(t *testing.T) {
	task := newTask(t, handmade.Echo())
	task.Stdin = bytes.Repeat([]byte("shard "), 50_000)
	r := run(t, newSlot(t), task)
	if !r.Succeeded() || !bytes.Equal(r.Output, task.Stdin) {
		t.Fatalf("result = %v, code %d, %d bytes; want exit 0 and %d bytes", r.Status, r.ExitCode, len(r.Output), len(task.Stdin))
	}
	if r.Elapsed <= 0 || r.Elapsed > time.Minute {
		t.Errorf("elapsed = %v", r.Elapsed)
	}
}

func TestRunReadsASectionOfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "blob")
	content := bytes.Repeat([]byte("0123456789"), 10_000)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	task := newTask(t, handmade.Echo())
	task.StdinFile = Section{Path: path, Offset: 5, Length: 70_001}
	s := newSlot(t)
	if r := run(t, s, task); !bytes.Equal(r.Output, content[5:5+70_001]) {
		t.Errorf("output = %d bytes starting %.20q", len(r.Output), r.Output)
	}

	// A file that is shorter than it should be is no shard.
	task.StdinFile.Length = int64(len(content))
	if r, err := s.Run(context.Background(), task); err == nil || !strings.Contains(err.Error(), "read for the guest") {
		t.Errorf("Run on a short file = %v, %v; want an error", r.Status, err)
	}
}

func TestGuestsEndInTheirOwnWays(t *testing.T) {
	cases := []struct {
		name   string
		module []byte
		status Status
		code   uint32
		reason string
		stderr string
	}{
		{"noop", handmade.Noop(), Exited, 0, "", ""},
		{"exit code", handmade.Exit(17), Exited, 17, "", ""},
		{"log", handmade.Print(2, "a log line"), Exited, 0, "", "a log line"},
		{"trap", handmade.Trap(), Trapped, 0, "unreachable", ""},
		{"output flood", handmade.Flood(1), OutputExceeded, 0, "output limit of 1048576 bytes", ""},
		{"text", []byte("print('hello')"), Refused, 0, "not a WebAssembly module", ""},
		{"component", []byte("\x00asm\x0d\x00\x01\x00"), Refused, 0, "build for wasip1", ""},
		{"foreign import", foreign("env", "gettimeofday"), Refused, 0, `"env"."gettimeofday"`, ""},
		{"import of another type", foreign(handmade.ABI, "fd_read"), Refused, 0, "fd_read", ""},
		{"invalid code", handmade.Spec{Code: []byte{0x6a}, Pages: 1}.Encode(), Refused, 0, "module is not valid", ""},
		{"memory above the limit", handmade.Spec{Pages: 5000}.Encode(), Refused, 0, "327680000 bytes", ""},
		{"data outside the memory", handmade.Spec{Data: []byte("x")}.Encode(), Refused, 0, "data", ""},
	}
	s := newSlot(t)
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			r := run(t, s, newTask(t, c.module))
			wantStatus(t, r, c.status, c.reason)
			if r.ExitCode != c.code || string(r.Stderr) != c.stderr || len(r.Output) != 0 {
				t.Errorf("code %d, stderr %q, %d bytes of output; want %d, %q, 0", r.ExitCode, r.Stderr, len(r.Output), c.code, c.stderr)
			}
		})
	}
}

// TestOneChildServesAllTasks also shows that no state stays between tasks.
func TestOneChildServesAllTasks(t *testing.T) {
	s := newSlot(t)
	grow := newTask(t, handmade.Grow())
	grow.Memory = 1 << 20
	first := run(t, s, grow)
	child := pid(s)
	if child == 0 {
		t.Fatal("no child after a task")
	}
	for range 3 {
		run(t, s, newTask(t, handmade.Trap()))
		if r := run(t, s, grow); !bytes.Equal(r.Output, first.Output) {
			t.Errorf("memory of the second run = %x pages, of the first %x", r.Output, first.Output)
		}
	}
	// Removing the file shows that the compiled module is still there.
	if err := os.Remove(grow.Module); err != nil {
		t.Fatal(err)
	}
	run(t, s, grow)
	if got := pid(s); got != child {
		t.Errorf("child %d became %d", child, got)
	}
}

func TestMemoryLimitIsPerTask(t *testing.T) {
	s := newSlot(t)
	task := newTask(t, handmade.Grow())
	for _, pages := range []int64{3, 40, 3} {
		task.Memory = pages * pageSize
		r := run(t, s, task)
		if want := []byte{byte(pages), 0, 0, 0}; !r.Succeeded() || !bytes.Equal(r.Output, want) {
			t.Errorf("limit of %d pages: %v %q, got %x pages, want %x", pages, r.Status, r.Reason, r.Output, want)
		}
	}
}

func TestEndlessLoopIsKilledAtItsLimit(t *testing.T) {
	s := newSlot(t)
	for name, module := range map[string][]byte{"loop": handmade.Loop(), "log flood": handmade.Flood(2)} {
		task := newTask(t, module)
		task.Time = 150 * time.Millisecond
		run(t, s, newTask(t, handmade.Noop())) // so that starting a child does not count
		used := follow(pid(s))
		r := run(t, s, task)
		wantStatus(t, r, TimedOut, "time limit of 150ms")
		wantPrompt(t, r, task, used())
		if r := run(t, s, newTask(t, handmade.Exit(4))); r.ExitCode != 4 {
			t.Errorf("%s: task after it = %v %d, want exit code 4", name, r.Status, r.ExitCode)
		}
	}
}

func TestCompilingHasItsOwnLimit(t *testing.T) {
	s := newSlot(t)
	s.compile = time.Nanosecond
	wantStatus(t, run(t, s, newTask(t, handmade.LongBody(100_000))), Killed, "longer than 1ns to compile")
	s.compile = time.Minute
	wantStatus(t, run(t, s, newTask(t, handmade.Noop())), Exited, "")
}

func TestCancelKillsTheGuest(t *testing.T) {
	s := newSlot(t)
	ctx, cancel := context.WithCancelCause(context.Background())
	lost := errors.New("lease lost")
	time.AfterFunc(100*time.Millisecond, func() { cancel(lost) })
	start := time.Now()
	_, err := s.Run(ctx, newTask(t, handmade.Loop()))
	if !errors.Is(err, lost) || time.Since(start) > 5*time.Second {
		t.Fatalf("Run = %v after %v, want %v soon", err, time.Since(start), lost)
	}
	if _, err := s.Run(ctx, newTask(t, handmade.Noop())); !errors.Is(err, lost) {
		t.Errorf("Run with a context that is over = %v, want %v", err, lost)
	}
	wantStatus(t, run(t, s, newTask(t, handmade.Noop())), Exited, "")
}

func TestCloseEndsARun(t *testing.T) {
	s := newSlot(t)
	time.AfterFunc(100*time.Millisecond, s.Close)
	if _, err := s.Run(context.Background(), newTask(t, handmade.Loop())); !errors.Is(err, ErrClosed) {
		t.Errorf("Run = %v, want %v", err, ErrClosed)
	}
	if _, err := s.Run(context.Background(), newTask(t, handmade.Noop())); !errors.Is(err, ErrClosed) {
		t.Errorf("Run after Close = %v, want %v", err, ErrClosed)
	}
}

// TestMemoryOutsideTheLimitKillsTheChild asks for what neither the screen nor
// the limit on linear memory covers. No module that is accepted comes so far.
func TestMemoryOutsideTheLimitKillsTheChild(t *testing.T) {
	if runtime.GOOS != "linux" || raceDetector {
		t.Skip("address space is not limited")
	}
	text, err := exec.Command(os.Args[0], "hungry").CombinedOutput()
	if err == nil || !strings.Contains(string(text), "out of memory") {
		t.Errorf("hungry child: %v, %.200q; want it out of memory", err, text)
	}
}

func TestATableWithoutEndIsRefused(t *testing.T) {
	r := run(t, newSlot(t), newTask(t, handmade.GrowTable()))
	wantStatus(t, r, Refused, "table.grow")
}

func TestADeadIdleChildIsReplaced(t *testing.T) {
	s := newSlot(t)
	task := newTask(t, handmade.Noop())
	run(t, s, task)
	for i := range 20 {
		_ = s.child.cmd.Process.Kill()
		if i%2 == 0 {
			<-s.child.exited // otherwise the kill races with the task
		}
		r, err := s.Run(context.Background(), task)
		if err != nil || (r.Status != Exited && i%2 == 0) || (r.Status != Exited && r.Status != Killed) {
			t.Fatalf("task after a kill = %v %q, %v", r.Status, r.Reason, err)
		}
		run(t, s, task)
	}
}

func TestFaultsOfTheHostAreNoResult(t *testing.T) {
	s := newSlot(t)
	noModule := newTask(t, handmade.Exit(9))
	noModule.Module = filepath.Join(t.TempDir(), "gone.wasm")
	noInput := newTask(t, handmade.Noop())
	noInput.StdinFile = Section{Path: noModule.Module, Length: 1}
	noData := newTask(t, handmade.Noop())
	noData.Data = map[string]string{"a": noModule.Module}
	dirData := newTask(t, handmade.Noop())
	dirData.Data = map[string]string{"a": t.TempDir()}
	for want, task := range map[string]Task{
		"open module": noModule, "open input": noInput, `open data file "a"`: noData, "not a regular file": dirData,
	} {
		if r, err := s.Run(context.Background(), task); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Run = %v, %v; want an error with %q", r.Status, err, want)
		}
	}
	child := pid(s)
	wantStatus(t, run(t, s, newTask(t, handmade.Noop())), Exited, "")
	if pid(s) != child || child == 0 {
		t.Error("the child did not outlive a missing file")
	}
}

func TestSlotsShareACache(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "cache")
	task := newTask(t, handmade.Echo())
	task.Stdin = []byte("x")
	var wg sync.WaitGroup
	for range 4 {
		s := newSlotIn(t, cache)
		wg.Go(func() {
			for range 5 {
				if r, err := s.Run(context.Background(), task); err != nil || string(r.Output) != "x" {
					t.Errorf("Run = %v %q, %v", r.Status, r.Reason, err)
				}
			}
		})
	}
	wg.Wait()
	if seals, _ := filepath.Glob(filepath.Join(cache, "*", sealName)); len(seals) != 1 {
		t.Errorf("cache has %d sealed entries, want 1", len(seals))
	}
}

func TestNewSlotChecksItsConfig(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, cfg := range map[string]Config{
		"no command":         {CacheDir: t.TempDir()},
		"no cache directory": {Command: []string{"x"}},
		"cache directory":    {Command: []string{"x"}, CacheDir: file},
	} {
		if _, err := NewSlot(cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("NewSlot(%+v) = %v, want an error with %q", cfg, err, want)
		}
	}
}

func TestAChildThatCannotStart(t *testing.T) {
	s, err := NewSlot(Config{Command: []string{filepath.Join(t.TempDir(), "nothing")}, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.Run(context.Background(), newTask(t, handmade.Noop())); err == nil || !strings.Contains(err.Error(), "start sandbox child") {
		t.Errorf("Run = %v, want it to say that the child did not start", err)
	}
}

func foreign(module, name string) []byte {
	return handmade.Spec{Imports: []handmade.Import{{Module: module, Name: name}}, Pages: 1}.Encode()
}
