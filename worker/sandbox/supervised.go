package sandbox

import (
	"fmt"
	"time"
)

// supervisedRun is a task under way as the parent sees it: first its module is
// compiled, then it runs, each with a limit of its own.
type supervisedRun struct {
	task    Task
	compile time.Duration
	timer   *time.Timer // goes off at the limit, unless paused
	watch   stopwatch
	began   bool // it runs
	paused  bool
}

func (s *Slot) newRun(t Task) *supervisedRun {
	r := &supervisedRun{task: t, compile: s.compile, timer: time.NewTimer(s.compile)}
	r.watch.start(time.Now(), false)
	return r
}

// begin ends the compiling.
func (r *supervisedRun) begin() {
	r.began = true
	r.watch.start(time.Now(), r.paused)
	r.setTimer()
}

// pause stops the time or lets it go on.
func (r *supervisedRun) pause(paused bool) {
	if r.paused == paused {
		return
	}
	r.paused = paused
	if paused {
		r.watch.pause(time.Now())
	} else {
		r.watch.resume(time.Now())
	}
	r.setTimer()
}

func (r *supervisedRun) setTimer() {
	if r.paused {
		r.timer.Stop()
		return
	}
	limit := r.compile
	if r.began {
		limit = r.task.Time
	}
	r.timer.Reset(max(0, limit-r.watch.elapsed(time.Now())))
}

// elapsed is for how long the task has run, zero if it has not begun.
func (r *supervisedRun) elapsed() time.Duration {
	if !r.began {
		return 0
	}
	return r.watch.elapsed(time.Now())
}

// rested is for how long the run stood still meanwhile.
func (r *supervisedRun) rested() time.Duration { return r.watch.rested(time.Now()) }

// late is the result of a task whose time is over. That of compiling says nothing
// of the guest: there the engine failed.
func (r *supervisedRun) late() Result {
	if !r.began {
		return Result{Status: Killed, Reason: fmt.Sprintf("the module took longer than %v to compile", r.compile)}
	}
	return Result{
		Status:  TimedOut,
		Reason:  fmt.Sprintf("the task ran longer than its time limit of %v", r.task.Time),
		Elapsed: r.elapsed(),
	}
}
