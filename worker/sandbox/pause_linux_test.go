package sandbox

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// stat gives the state of a process and its processor time in ticks.
func stat(t *testing.T, pid int) (state, used string) {
	t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(content), ") ")
	fields := strings.Fields(rest)
	return fields[0], fields[11] + "+" + fields[12]
}

func waitForState(t *testing.T, pid int, want string) {
	t.Helper()
	start := time.Now()
	for time.Since(start) < 5*time.Second {
		if state, _ := stat(t, pid); state == want {
			t.Logf("state %s after %v", want, time.Since(start))
			return
		}
		time.Sleep(100 * time.Microsecond)
	}
	t.Fatalf("process %d did not get to state %s", pid, want)
}

type ended struct {
	result Result
	err    error
}

// startPaused runs a task, and pauses it a moment after it has begun.
func startPaused(t *testing.T, ctx context.Context, task Task) (s *Slot, child int, done chan ended) {
	t.Helper()
	s = newSlot(t)
	run(t, s, newTask(t, handmade.Noop()))
	child = pid(s)
	warm(t, s, task)
	done = make(chan ended, 1)
	go func() {
		r, err := s.Run(ctx, task)
		done <- ended{r, err}
	}()
	time.Sleep(50 * time.Millisecond)
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	waitForState(t, child, "T")
	return s, child, done
}

func TestAPausedTaskStandsStillAndGoesOn(t *testing.T) {
	task := newTask(t, handmade.EchoAfter(300))
	task.Stdin = []byte("the same as ever")
	s, child, done := startPaused(t, context.Background(), task)
	_, before := stat(t, child)
	time.Sleep(400 * time.Millisecond)
	state, after := stat(t, child)
	if state != "T" || before != after {
		t.Errorf("state %s; processor time went from %s to %s while it was paused", state, before, after)
	}
	select {
	case e := <-done:
		t.Fatalf("it ended while it was paused: %v, %v", e.result.Status, e.err)
	default:
	}
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	e := <-done
	if e.err != nil || string(e.result.Output) != "the same as ever" {
		t.Errorf("Run = %v %q, output %q, %v", e.result.Status, e.result.Reason, e.result.Output, e.err)
	}
}

func TestTimeLimitsDoNotCountPauses(t *testing.T) {
	task := newTask(t, handmade.Loop())
	task.Time = 400 * time.Millisecond
	s, child, done := startPaused(t, context.Background(), task)
	time.Sleep(2 * task.Time)
	select {
	case e := <-done:
		t.Fatalf("a paused task ended: %v %q", e.result.Status, e.result.Reason)
	default:
	}
	used := follow(child)
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	e := <-done
	wantStatus(t, e.result, TimedOut, "time limit")
	wantPrompt(t, e.result, task, used()) // the pause does not count
}

func TestAPausedTaskCanBeKilled(t *testing.T) {
	lost := errors.New("lease lost")
	ctx, cancel := context.WithCancelCause(context.Background())
	s, child, done := startPaused(t, ctx, newTask(t, handmade.Loop()))
	cancel(lost)
	if e := <-done; !errors.Is(e.err, lost) {
		t.Errorf("Run = %v, want %v", e.err, lost)
	}
	if alive(child) {
		t.Error("the child lives on")
	}
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, run(t, s, newTask(t, handmade.Exit(3))), Exited, "")

	s, child, done = startPaused(t, context.Background(), newTask(t, handmade.Loop()))
	s.Close()
	if e := <-done; !errors.Is(e.err, ErrClosed) || alive(child) {
		t.Errorf("Run = %v after Close; the child lives: %v", e.err, alive(child))
	}
}

func TestAPausedSlotStartsNothing(t *testing.T) {
	s := newSlot(t)
	if err := s.Pause(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	if _, err := s.Run(ctx, newTask(t, handmade.Noop())); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Run on a paused slot = %v", err)
	}
	if pid(s) != 0 {
		t.Error("it started a child")
	}
	// Walls needs a child: it stands still as soon as it is there.
	if _, err := s.Walls(context.Background()); err != nil {
		t.Fatal(err)
	}
	waitForState(t, pid(s), "T")
	if err := s.Resume(); err != nil {
		t.Fatal(err)
	}
	wantStatus(t, run(t, s, newTask(t, handmade.Noop())), Exited, "")
}
