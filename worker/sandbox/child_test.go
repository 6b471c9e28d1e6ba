package sandbox

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

func TestAChildEndsWithItsInput(t *testing.T) {
	if err := newChild(strings.NewReader(""), io.Discard).work(); err != nil {
		t.Errorf("work = %v", err)
	}
	for name, in := range map[string]string{
		"noise":           "hello, is this the sandbox?",
		"cut short":       "Q\x05\x00\x00\x00{}",
		"length too big":  "Q\xff\xff\xff\xff",
		"not JSON":        "Q\x02\x00\x00\x00{]",
		"input is no I":   "Q\x02\x00\x00\x00{}Q\x02\x00\x00\x00{}",
		"input not there": "Q\x02\x00\x00\x00{}",
	} {
		err := newChild(strings.NewReader(in), io.Discard).work()
		if name == "input not there" {
			if err != nil {
				t.Errorf("%s: work = %v, want nil: the parent left", name, err)
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), "frame") {
			t.Errorf("%s: work = %v, want an error about a frame", name, err)
		}
	}
}

func TestAChildStopsIfNobodyReads(t *testing.T) {
	broken := errors.New("broken pipe")
	var in bytes.Buffer
	task := newTask(t, handmade.Noop())
	s := newSlot(t)
	req, err := s.request(task)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(writeJSON(&in, frameRequest, req), writeFrame(&in, frameInput, nil)); err != nil {
		t.Fatal(err)
	}
	// The end of the input must not come before the task is answered: it would
	// end the process.
	open, closeInput := io.Pipe()
	defer func() { _ = closeInput.Close() }()
	err = newChild(io.MultiReader(&in, open), failingWriter{broken}).work()
	if !errors.Is(err, broken) {
		t.Errorf("work = %v, want %v", err, broken)
	}
}

type failingWriter struct{ err error }

func (w failingWriter) Write([]byte) (int, error) { return 0, w.err }

// parentMain is a worker that starts a task, tells its child's pid and is then
// killed.
func parentMain(cacheDir, module string) error {
	s, err := NewSlot(Config{Command: []string{os.Args[0], "sandbox-child"}, CacheDir: cacheDir, Readable: []string{filepath.Dir(module)}})
	if err != nil {
		return err
	}
	limits := Task{Module: module, ModuleID: strings.Repeat("ab", 32), Time: time.Hour, Memory: 1 << 20}
	warmUp := limits
	warmUp.Time = 100 * time.Millisecond
	if _, err := s.Run(context.Background(), warmUp); err != nil {
		return err
	}
	if err := s.ready(context.Background()); err != nil {
		return err
	}
	child := s.child.cmd.Process.Pid
	time.AfterFunc(300*time.Millisecond, func() { fmt.Println(child) })
	_, err = s.Run(context.Background(), limits)
	return err
}

// TestTheChildDiesWithItsParent kills a worker whose guest never looks up.
func TestTheChildDiesWithItsParent(t *testing.T) {
	task := newTask(t, handmade.Loop())
	cmd := exec.Command(os.Args[0], "sandbox-parent", t.TempDir(), task.Module)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if err != nil {
		t.Fatalf("the worker did not start its task: %v", err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(line))
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if !alive(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	_ = killPid(pid)
	t.Errorf("child %d lives on without its parent", pid)
}

// TestTheChildDiesWhenItsInputCloses is the same without the kernel's help.
func TestTheChildDiesWhenItsInputCloses(t *testing.T) {
	for name, module := range map[string][]byte{"idle": handmade.Noop(), "busy": handmade.Loop()} {
		s := newSlot(t)
		task := newTask(t, module)
		task.Time = 50 * time.Millisecond
		run(t, s, task)
		if err := s.ready(context.Background()); err != nil {
			t.Fatal(err)
		}
		child := s.child
		if name == "busy" {
			req, err := s.request(task)
			if err != nil {
				t.Fatal(err)
			}
			running := make(chan struct{})
			go child.exchange(req, nil, running, nil)
			<-running
		}
		_ = child.in.Close()
		select {
		case <-child.exited:
		case <-time.After(5 * time.Second):
			t.Errorf("%s child did not end with its input", name)
		}
	}
}
