package session

import "time"

const (
	// leastPatience is how long a coordinator may take to answer. With the time between
	// two messages it is below the two seconds in which a session moves.
	leastPatience = 800 * time.Millisecond
	maxPatience   = 6 * time.Second
	// calm is how long nothing must have been silent until it is as short as at first.
	calm = 2 * time.Minute
)

// patience grows where coordinators are slow for all: to run from one to the other would
// make that worse.
type patience struct {
	grown int
	at    time.Time
}

func (p *patience) grow(now time.Time) {
	p.span(now) // forgets what was long ago
	p.grown++
	p.at = now
}

func (p *patience) span(now time.Time) time.Duration {
	if now.Sub(p.at) > calm {
		p.grown = 0
	}
	return min(maxPatience, leastPatience<<min(p.grown, 8))
}
