package worker

import (
	"sync"
	"time"
)

// prefetch decides how many leases the worker holds ahead of its slots, and how
// long it rests when it fails at starting attempts.
type prefetch struct {
	mu      sync.Mutex
	average time.Duration // of an attempt, exponentially smoothed
	backoff time.Duration
}

// maxBackoff bounds how long the worker rests after attempts that it could not
// even start.
const maxBackoff = 15 * time.Second

// roundTrip is the time that a queue of attempts should bridge: from a report
// to the next lease that is ready to run.
const roundTrip = 150 * time.Millisecond

// maxAhead bounds the leases that wait for a slot, since the next tasks may be
// longer than the last.
const maxAhead = 64

// ahead is the number of leases to hold beyond the busy slots: enough for the
// slots to stay busy for a round trip, but at most maxAhead a slot, and one at
// least.
func (p *prefetch) ahead(slots int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.average <= 0 {
		return slots
	}
	each := int(roundTrip/p.average) + 1
	return slots * min(each, maxAhead)
}

// took notes how long an attempt ran, and that all is well.
func (p *prefetch) took(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backoff = 0
	if p.average == 0 {
		p.average = d
	}
	p.average += (d - p.average) / 8
}

// failed notes that an attempt could not be run, through no fault of the task.
func (p *prefetch) failed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.backoff = min(max(2*p.backoff, 250*time.Millisecond), maxBackoff)
}

// rest is how long to wait before the next offer.
func (p *prefetch) rest() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.backoff
}
