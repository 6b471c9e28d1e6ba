package sandbox

import (
	"context"
	"syscall"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// TestAStarvedChildIsNotTooLate: while a child gets no processor time, here as it is
// stopped, its limits are not used up, neither of compiling nor of running.
func TestAStarvedChildIsNotTooLate(t *testing.T) {
	s := newSlot(t)
	s.compile = 500 * time.Millisecond
	run(t, s, newTask(t, handmade.Noop()))
	child := pid(s)
	starve := func() {
		if err := syscall.Kill(child, syscall.SIGSTOP); err != nil {
			t.Error(err)
		}
		time.AfterFunc(time.Second, func() { _ = syscall.Kill(child, syscall.SIGCONT) })
	}
	task := newTask(t, handmade.Count(1))
	warm(t, s, task)
	starve()
	task.Time = 500 * time.Millisecond
	start := time.Now()
	wantStatus(t, run(t, s, task), Exited, "")
	if took := time.Since(start); took < s.compile {
		t.Errorf("it took %v: the child was not stopped", took)
	}

	task = newTask(t, handmade.Loop())
	task.Time = 500 * time.Millisecond
	warm(t, s, task)
	done := make(chan ended, 1)
	start = time.Now()
	go func() {
		r, err := s.Run(context.Background(), task)
		done <- ended{r, err}
	}()
	time.Sleep(200 * time.Millisecond)
	starve()
	end := <-done
	if end.err != nil || end.result.Status != TimedOut {
		t.Fatalf("%v, %v; want it to time out", end.result.Status, end.err)
	}
	if took := time.Since(start); took < time.Second+task.Time/2 {
		t.Errorf("timed out after %v, of which it was stopped for a second", took)
	}
}
