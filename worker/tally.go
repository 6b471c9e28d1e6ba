package worker

import (
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/worker/control"
)

const (
	tallyStep = 5 * time.Minute
	tallyKept = 24 * time.Hour
)

// tally is what this worker has run, by when it ended. The donor looks at it, and it counts
// nowhere.
type tally struct {
	mu   sync.Mutex
	work []control.Work
}

// add counts an attempt that has ended.
func (t *tally) add(fuel uint64, now time.Time) {
	from := now.Truncate(tallyStep)
	t.mu.Lock()
	defer t.mu.Unlock()
	if n := len(t.work); n == 0 || t.work[n-1].From.Before(from) {
		t.work = append(t.work, control.Work{From: from})
	}
	last := &t.work[len(t.work)-1]
	last.Attempts++
	last.Fuel += fuel
	t.work = slices.DeleteFunc(t.work, func(w control.Work) bool { return w.From.Before(now.Add(-tallyKept)) })
}

func (t *tally) list() []control.Work {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.work)
}
