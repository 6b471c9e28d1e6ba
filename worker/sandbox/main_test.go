package sandbox

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/guests"
	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

// TestMain lets this test binary be the child as well.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		switch os.Args[1] {
		case "sandbox-child":
			exitOn(ChildMain(os.Stdin, os.Stdout))
		case "sandbox-parent":
			exitOn(parentMain(os.Args[2], os.Args[3]))
		case "writer":
			exitOn(writerMain(os.Args[2]))
		case "hungry":
			exitOn(hungryMain())
		}
	}
	code := m.Run()
	_ = os.RemoveAll(sharedCache())
	os.Exit(code)
}

func exitOn(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// hungryMain takes a gigabyte within the walls of a guest of a megabyte.
func hungryMain() error {
	var w bounds
	w.enterRun(request{Memory: 1 << 20, Time: time.Minute})
	memory := make([]byte, 1<<30)
	_, err := fmt.Fprintln(os.Stderr, "got", len(memory), "bytes")
	return err
}

func newSlot(t testing.TB) *Slot {
	t.Helper()
	return newSlotIn(t, filepath.Join(t.TempDir(), "cache"))
}

func newSlotIn(t testing.TB, cacheDir string) *Slot {
	t.Helper()
	s, err := NewSlot(Config{Command: []string{os.Args[0], "sandbox-child"}, CacheDir: cacheDir, Readable: []string{os.TempDir()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// newTask is a task with limits that nothing small comes near to.
func newTask(t testing.TB, module []byte) Task {
	t.Helper()
	path := filepath.Join(t.TempDir(), "module.wasm")
	if err := os.WriteFile(path, module, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(module)
	return Task{
		Module: path, ModuleID: hex.EncodeToString(sum[:]),
		Time: time.Minute, Memory: 256 << 20, Output: 1 << 20,
	}
}

func run(t testing.TB, s *Slot, task Task) Result {
	t.Helper()
	r, err := s.Run(context.Background(), task)
	if err != nil {
		t.Fatalf("Run: %v", err)
	}
	return r
}

// wantStatus also wants the reason to contain a text.
func wantStatus(t testing.TB, r Result, status Status, reason string) {
	t.Helper()
	if r.Status != status || !strings.Contains(r.Reason, reason) {
		t.Fatalf("result is %v (code %d) because %q; want %v because of %q\nstderr: %s",
			r.Status, r.ExitCode, r.Reason, status, reason, r.Stderr)
	}
}

// follow takes note of a child's processor time until the returned
// function is called, which gives what was used meanwhile, as far as the system tells.
func follow(child int) (used func() time.Duration) {
	before, _ := walls.CPUTime(child)
	stop, total := make(chan struct{}), make(chan time.Duration)
	go func() {
		last, known := before, false
		for {
			if now, ok := walls.CPUTime(child); ok {
				last, known = now, true
			}
			select {
			case <-stop:
				if !known {
					last = before + time.Hour
				}
				total <- last - before
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	return func() time.Duration {
		close(stop)
		return <-total
	}
}

// wantPrompt wants a task to have been killed within a second of its limit. On a
// machine without a processor to spare that second is one of processor time.
func wantPrompt(t testing.TB, r Result, task Task, used time.Duration) {
	t.Helper()
	if r.Elapsed < task.Time || min(r.Elapsed, used) > task.Time+time.Second {
		t.Errorf("killed after %v and %v of processor time, with a limit of %v", r.Elapsed, used, task.Time)
	}
}

func pid(s *Slot) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.child == nil {
		return 0
	}
	return s.child.cmd.Process.Pid
}

func goGuest(t testing.TB) []byte {
	t.Helper()
	return guests.Module(t, "github.com/anthill-grid/anthill/worker/sandbox/testdata/guest")
}

// guestTask runs the Go guest, all of whose tests share a cache of its code.
func guestTask(t testing.TB, args ...string) (*Slot, Task) {
	t.Helper()
	if testing.Short() {
		t.Skip("compiling a Go guest takes seconds")
	}
	task := newTask(t, goGuest(t))
	task.Args = args
	return newSlotIn(t, sharedCache()), task
}

var sharedCache = sync.OnceValue(func() string {
	return filepath.Join(os.TempDir(), fmt.Sprintf("anthill-sandbox-test-%d", os.Getpid()))
})

// warm has the cache get a task's code before the task runs: what a test does to the child
// is then done to the one that runs it.
func warm(t testing.TB, s *Slot, task Task) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	req, err := s.request(task)
	if err == nil {
		_, _, err = s.provide(context.Background(), task, req)
	}
	if err != nil {
		t.Fatal(err)
	}
}
