package sandbox

import "time"

// stopwatch measures the time of a run, without that in which it is paused.
type stopwatch struct {
	spent   time.Duration // up to since
	since   time.Time     // when it was last set going; zero while it stands
	halted  time.Duration // for how long it stood, up to stopped
	stopped time.Time     // since when it stands; zero while it goes
}

// start sets it to zero, going or not.
func (w *stopwatch) start(now time.Time, paused bool) {
	*w = stopwatch{since: now}
	if paused {
		w.pause(now)
	}
}

func (w *stopwatch) pause(now time.Time) {
	if w.stopped.IsZero() {
		w.spent += now.Sub(w.since)
		w.stopped = now
	}
}

func (w *stopwatch) resume(now time.Time) {
	if !w.stopped.IsZero() {
		w.halted += now.Sub(w.stopped)
		w.since, w.stopped = now, time.Time{}
	}
}

// skip takes back time that was counted while all stood still.
func (w *stopwatch) skip(d time.Duration) {
	if w.stopped.IsZero() {
		w.since = w.since.Add(d)
		w.halted += d
	}
}

// elapsed is the time that counts; rested is the time that does not.
func (w *stopwatch) elapsed(now time.Time) time.Duration {
	if !w.stopped.IsZero() {
		return w.spent
	}
	return w.spent + now.Sub(w.since)
}

func (w *stopwatch) rested(now time.Time) time.Duration {
	if !w.stopped.IsZero() {
		return w.halted + now.Sub(w.stopped)
	}
	return w.halted
}
