package sandbox

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// attack is what a guest might try that has broken out of the engine.
type attack struct {
	Name string
	Wall string // that stops it
	Got  string // its error; empty if it worked
}

// walledMain puts up the walls and runs against them.
func walledMain(cacheDir, readable string) error {
	walls := raiseWalls(setup{CacheDir: cacheDir, Readable: []string{readable}})
	encoder := json.NewEncoder(os.Stdout)
	if err := encoder.Encode(walls); err != nil {
		return err
	}
	for _, try := range []func(string, string) []attack{attackFiles, attackProcesses, attackMemory, attackCalls, attackLimits} {
		for _, a := range try(cacheDir, readable) {
			if err := encoder.Encode(a); err != nil {
				return err
			}
		}
	}
	return nil
}

func attempt(wall, name string, err error) attack {
	a := attack{Name: name, Wall: wall}
	if err != nil {
		a.Got = err.Error()
	}
	return a
}

// TestTheWallsHold lets a process attack the machine from inside the walls.
func TestTheWallsHold(t *testing.T) {
	dir := t.TempDir()
	cacheDir, readable := filepath.Join(dir, "cache"), filepath.Join(dir, "readable")
	for _, path := range []string{cacheDir, readable} {
		if err := os.Mkdir(path, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	secret, blob := filepath.Join(dir, "secret"), filepath.Join(readable, "blob")
	for _, path := range []string{secret, blob, filepath.Join(cacheDir, "own")} {
		if err := os.WriteFile(path, []byte("whole"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(secret, filepath.Join(readable, "link")); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0], "walled", cacheDir, readable)
	cmd.Stderr = os.Stderr
	// A group of its own, as a child has: the lowest priority is the group's.
	cmd.SysProcAttr = attributes()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("the attacker ended: %v\n%s", err, out)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	var walls Walls
	if err := decoder.Decode(&walls); err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; decoder.More(); n++ {
		var a attack
		if err := decoder.Decode(&a); err != nil {
			t.Fatal(err)
		}
		t.Run(a.Name, func(t *testing.T) {
			for _, m := range walls.Missing {
				if m.Name == a.Wall {
					t.Skipf("no %s here: %s", m.Name, m.Why)
				}
			}
			if a.Got == "" {
				t.Errorf("it worked, or met the kernel: %s did not stop it", a.Wall)
			}
		})
	}
	if n < 78 {
		t.Errorf("%d attacks", n)
	}
	for _, path := range []string{secret, blob} {
		if content, err := os.ReadFile(path); err != nil || string(content) != "whole" {
			t.Errorf("%s is now %q, %v", path, content, err)
		}
	}
}

// TestAllThreadsAreWalledIn looks at a child that has worked from outside.
func TestAllThreadsAreWalledIn(t *testing.T) {
	s := newSlot(t)
	run(t, s, newTask(t, handmade.Count(1)))
	proc := fmt.Sprintf("/proc/%d/", pid(s))
	threads, err := os.ReadDir(proc + "task")
	if err != nil || len(threads) < 3 {
		t.Fatalf("%d threads, %v", len(threads), err)
	}
	for _, thread := range threads {
		dir := proc + "task/" + thread.Name()
		status := readFile(t, dir+"/status")
		for _, want := range []string{"NoNewPrivs:\t1\n", "Seccomp:\t2\n"} {
			if !strings.Contains(status, want) {
				t.Errorf("thread %s lacks %q", thread.Name(), want)
			}
		}
		_, rest, _ := strings.Cut(readFile(t, dir+"/stat"), ") ")
		if policy := strings.Fields(rest)[38]; policy != fmt.Sprint(unix.SCHED_IDLE) {
			t.Errorf("thread %s has scheduling policy %s, want %d", thread.Name(), policy, unix.SCHED_IDLE)
		}
		tid, _ := strconv.Atoi(thread.Name())
		if class, _, _ := unix.Syscall(unix.SYS_IOPRIO_GET, 1, uintptr(tid), 0); class>>13 != 3 {
			t.Errorf("thread %s has I/O class %d, want 3, idle", thread.Name(), class>>13)
		}
	}
	limits := strings.Join(strings.Fields(readFile(t, proc+"limits")), " ")
	for _, want := range []string{"Max core file size 0 0", "Max open files 1024 1024", "Max file size 536870912 536870912"} {
		if !strings.Contains(limits, want) {
			t.Errorf("no limit %q in %s", want, limits)
		}
	}
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// TestALimitOfProcessorTimeStandsIn plays a parent that does not look at the
// clock.
func TestALimitOfProcessorTimeStandsIn(t *testing.T) {
	if testing.Short() {
		t.Skip("it takes seconds of processor time")
	}
	s := newSlot(t)
	if err := s.ready(context.Background()); err != nil {
		t.Fatal(err)
	}
	task := newTask(t, handmade.Loop())
	task.Time = time.Millisecond
	req, err := s.request(task)
	if err != nil {
		t.Fatal(err)
	}
	child := s.child
	time.AfterFunc(time.Minute, child.kill)
	a := child.exchange(req, nil, make(chan struct{}), nil)
	<-child.exited
	if got := causeOfDeath(child, a.err); a.err == nil || !strings.Contains(got, "its limit of processor time") {
		t.Errorf("the child ended so: %v; %q", a.err, got)
	}
}
