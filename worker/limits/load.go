package limits

import "time"

// What counts as busy: others had more than a quarter of the processors in the
// mean of busyWindow. The machine is quiet again when they had less for calm.
const (
	busyPart   = 4
	busyWindow = 5 * time.Second
	calm       = 30 * time.Second
)

// CPU counts the time of all processors together since some moment in the past.
// The zero value means that it is not known.
type CPU struct {
	Total time.Duration // that there was, used or not
	Used  time.Duration // of that, by anyone
	Own   time.Duration // of that, by the worker and its children
}

// load decides whether others need the machine. The zero value is a quiet one.
type load struct {
	samples []sample // the first is busyWindow old, if there are so old ones
	busy    bool
	loud    time.Time // when it last was above the threshold
}

type sample struct {
	at  time.Time
	cpu CPU
}

// note takes what the processors did until now and says whether the machine is
// busy. Until it has heard for as long as the mean goes back, it says what it
// said before.
func (l *load) note(now time.Time, c CPU) bool {
	if last := len(l.samples) - 1; last >= 0 && c.Total < l.samples[last].cpu.Total {
		l.samples = nil // the counters began again
	}
	l.samples = append(l.samples, sample{now, c})
	for len(l.samples) > 1 && now.Sub(l.samples[1].at) >= busyWindow {
		l.samples = l.samples[1:]
	}
	first := l.samples[0]
	if now.Sub(first.at) < busyWindow {
		return l.busy
	}
	total := c.Total - first.cpu.Total
	others := (c.Used - first.cpu.Used) - (c.Own - first.cpu.Own)
	if busyPart*others > total {
		l.busy, l.loud = true, now
	}
	if now.Sub(l.loud) >= calm {
		l.busy = false
	}
	return l.busy
}
