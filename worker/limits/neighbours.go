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

// neighbours decides whether others need the machine. The zero value is a quiet one.
type neighbours struct {
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
func (n *neighbours) note(now time.Time, c CPU) bool {
	if last := len(n.samples) - 1; last >= 0 && c.Total < n.samples[last].cpu.Total {
		n.samples = nil // the counters began anew
	}
	n.samples = append(n.samples, sample{now, c})
	for len(n.samples) > 1 && now.Sub(n.samples[1].at) >= busyWindow {
		n.samples = n.samples[1:]
	}
	first := n.samples[0]
	if now.Sub(first.at) < busyWindow {
		return n.busy
	}
	total := c.Total - first.cpu.Total
	others := (c.Used - first.cpu.Used) - (c.Own - first.cpu.Own)
	if busyPart*others > total {
		n.busy, n.loud = true, now
	}
	if now.Sub(n.loud) >= calm {
		n.busy = false
	}
	return n.busy
}
