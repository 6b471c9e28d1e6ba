package replica

import (
	"sync"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// clock is this machine's, put ahead where the state is ahead of it.
type clock struct {
	mu    sync.Mutex
	ahead jobs.Time
}

// Now is the time for a command to carry: this machine's clock, but never
// behind the state's time. A leader whose clock is behind the last one's goes
// on from there, so that leases last as long as they should.
func (r *Replica) Now() jobs.Time {
	var reached jobs.Time
	r.View(func(s *jobs.State) { reached = s.Now })
	return r.clock.now(jobs.TimeOf(time.Now()), reached)
}

func (c *clock) now(wall, reached jobs.Time) jobs.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead = max(c.ahead, reached-wall)
	return wall + c.ahead
}
