package sandbox

import (
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

const (
	// patience is how many times its limit a task may take on the clock, and a minute,
	// while the machine has no processor time for it.
	patience = 10
	// glance is the least time between two looks at what a child has used, and stare
	// the longest between two looks at the clock.
	glance = 10 * time.Millisecond
	stare  = time.Second
	// standstill is a time between two looks that means that this process stood still,
	// and its child most likely with it: it was stopped, or its machine was asleep.
	standstill = 3 * stare
)

// supervisedRun is a task under way as the parent sees it: first its module is
// compiled, then it runs, each with a limit of its own. The limits are ones of
// processor time, where that is known: a child has only what nothing else wants,
// and what a donor does with the machine is no reason to call a task too long.
type supervisedRun struct {
	task    Task
	compile time.Duration
	cpu     func() (used time.Duration, ok bool)
	timer   *time.Timer // goes off when the limit may be reached, unless paused
	watch   stopwatch
	looked  time.Time     // at the clock
	before  time.Duration // processor time, when the watch was started
	began   bool          // it runs
	paused  bool
}

func (s *Slot) newRun(t Task) *supervisedRun {
	pid := s.child.cmd.Process.Pid
	r := &supervisedRun{
		task: t, compile: s.compile, timer: time.NewTimer(min(stare, s.compile)),
		cpu: func() (time.Duration, bool) { return walls.CPUTime(pid) },
	}
	r.start()
	return r
}

func (r *supervisedRun) start() {
	r.looked = time.Now()
	r.watch.start(r.looked, r.paused)
	r.before, _ = r.cpu()
}

// begin ends the compiling.
func (r *supervisedRun) begin() {
	r.began = true
	r.start()
	r.setTimer()
}

// look keeps the time of a standstill from counting.
func (r *supervisedRun) look() {
	now := time.Now()
	if gap := now.Sub(r.looked); gap >= standstill && !r.paused {
		r.watch.skip(gap)
	}
	r.looked = now
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
	r.timer.Reset(max(glance, min(stare, r.left())))
}

func (r *supervisedRun) limit() time.Duration {
	if r.began {
		return r.task.Time
	}
	return r.compile
}

// left is the time that is left at least. Two threads may use more processor time
// than passes, so that both must have reached the limit.
func (r *supervisedRun) left() time.Duration {
	used := r.watch.elapsed(time.Now())
	if cpu, ok := r.cpu(); ok {
		used = min(used, cpu-r.before)
	}
	return r.limit() - used
}

// starved says that the child has had hardly any processor time for a long time.
func (r *supervisedRun) starved() error {
	elapsed := r.watch.elapsed(time.Now())
	if r.left() <= 0 || elapsed < patience*r.limit()+time.Minute {
		return nil
	}
	return fmt.Errorf("the machine is too busy: it had %v of processor time for the task in %v", r.limit()-r.left(), elapsed)
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
