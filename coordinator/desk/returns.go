package desk

import (
	"maps"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// For how long a worker gets nothing of a job after it has given something of it back
// for which nobody is to blame: twice as long each time in a row. That costs it nothing
// else, and so who always says so must not have tasks of it all the time.
const (
	returnPause    = time.Second
	returnPauseMax = time.Minute
)

// returns is how often in a row a worker has given tasks of a job back, and until when
// it gets no more of them.
type returns struct {
	inARow int
	until  time.Time
}

// noteReturns takes down what reports say of attempts that were given back, and which
// workers have brought a job further. It must be called before the reports are committed.
func (d *Desk) noteReturns(reports []jobs.Report) {
	returned, voted := map[reading]bool{}, map[reading]bool{}
	d.replica.View(func(s *jobs.State) {
		for _, r := range reports {
			p, worker, ok := s.Lease(r.Lease)
			if !ok || worker != r.Worker {
				continue
			}
			switch r.Status {
			case jobs.Starved, jobs.Stopped:
				returned[reading{worker, p.Job}] = true
			case jobs.Succeeded, jobs.Crashed:
				voted[reading{worker, p.Job}] = true
			}
		}
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	for r := range voted {
		delete(d.returned, r)
	}
	now := time.Now()
	maps.DeleteFunc(d.returned, func(_ reading, r *returns) bool { return now.Sub(r.until) > returnPauseMax })
	for r := range returned {
		d.returned[r] = d.returned[r].next(now)
	}
}

// next adds to what a worker has given back. What comes while it gets nothing more is
// of the same time.
func (r *returns) next(now time.Time) *returns {
	switch {
	case r == nil:
		r = &returns{}
	case now.Before(r.until):
		return r
	}
	pause := min(returnPause<<min(r.inARow, 16), returnPauseMax)
	return &returns{r.inARow + 1, now.Add(pause)}
}

// shunning are the workers that get nothing of a job now.
func (d *Desk) shunning() map[reading]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := map[reading]bool{}
	for r, was := range d.returned {
		if time.Now().Before(was.until) {
			list[r] = true
		}
	}
	return list
}
