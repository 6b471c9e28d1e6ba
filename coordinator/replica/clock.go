package replica

import (
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// stepSlack is the largest step of this machine's clock that is followed at
	// once: NTP takes smaller ones all the time.
	stepSlack = 500 * time.Millisecond
	// settleAfter is how long a larger step must last before it is followed, where
	// too few other voters are there to say who is right.
	settleAfter = 10 * time.Minute
	// ClockTolerance is how far this machine's clock may be from the median of the
	// voters' clocks.
	ClockTolerance = 5 * time.Second
)

// reading is what this machine's clocks say at one moment.
type reading struct {
	wall    jobs.Time
	elapsed time.Duration // since some moment; no setting of the clock changes it
}

func (r *Replica) read() reading { return reading{jobs.TimeOf(r.cfg.Clock()), elapsed()} }

// clock gives the time for commands to carry. Time in the state never runs
// backwards, so a moment's wrong clock would put the whole grid ahead for good:
// every expiry, token and lease with it. Hence a step of this machine's clock is
// followed only when it lasts, or when the other voters' clocks confirm it; until
// then time goes on at the pace of the monotonic clock.
type clock struct {
	logger *slog.Logger

	mu    sync.Mutex
	begun bool // trusted is something
	// trusted is the wall clock's time as it is believed, as of the reading of
	// elapsed time beside it.
	trusted anchor
	// reached is the state's time, as of when it was seen first.
	reached anchor
	// step is how far the wall clock is from what is trusted, and since when; zero
	// if it is not.
	step anchor
	// judged: other voters have said what time it is, so a step is not followed
	// however long it lasts.
	judged bool
}

// anchor is a time at a moment of elapsed time. The zero value is none.
type anchor struct {
	time jobs.Time
	at   time.Duration
}

// on is the anchor's time when more has elapsed.
func (a anchor) on(elapsed time.Duration) jobs.Time { return a.time.Add(elapsed - a.at) }

// Now is the time for a command to carry: this machine's clock as far as it is
// trusted, but never behind the state's time. A leader whose clock is behind its
// predecessor's goes on from there, so that leases last as long as they should.
func (r *Replica) Now() jobs.Time {
	var reached jobs.Time
	r.View(func(s *jobs.State) { reached = s.Now })
	return r.clock.now(r.read(), reached)
}

// Wall is the time by this machine's clock, steps that do not last left out.
func (r *Replica) Wall() jobs.Time {
	r.clock.mu.Lock()
	defer r.clock.mu.Unlock()
	return r.clock.follow(r.read())
}

// ClockAhead is how far this machine's clock is ahead of Wall; negative: behind.
func (r *Replica) ClockAhead() time.Duration {
	r.clock.mu.Lock()
	defer r.clock.mu.Unlock()
	reading := r.read()
	return duration(reading.wall - r.clock.follow(reading))
}

// HeedClocks corrects the clock by those of other voters: how far each is ahead of Wall.
func (r *Replica) HeedClocks(ahead []time.Duration) {
	r.clock.mu.Lock()
	defer r.clock.mu.Unlock()
	r.clock.heed(r.read(), ahead)
}

func (c *clock) now(r reading, reached jobs.Time) jobs.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	trusted := c.follow(r)
	if reached > c.reached.on(r.elapsed) {
		c.reached = anchor{reached, r.elapsed}
	}
	return max(trusted, c.reached.on(r.elapsed))
}

// follow is the wall clock's time, as far as it is trusted.
func (c *clock) follow(r reading) jobs.Time {
	if !c.begun {
		c.trusted, c.begun = anchor{r.wall, r.elapsed}, true
	}
	expected := c.trusted.on(r.elapsed)
	step := r.wall - expected
	switch {
	case near(step, 0):
		c.trusted, c.step = anchor{r.wall, r.elapsed}, anchor{}
	case !near(step, c.step.time):
		c.step = anchor{step, r.elapsed}
		c.warn("this machine's clock was set; the grid's time does not follow unless it stays so", "by", duration(step), "for", settleAfter)
	case !c.judged && r.elapsed-c.step.at >= settleAfter:
		c.warn("this machine's clock was set and stayed so: the grid's time follows", "by", duration(step))
		c.trusted, c.step = anchor{r.wall, r.elapsed}, anchor{}
	}
	return c.trusted.on(r.elapsed)
}

// heed takes the lower median, so that of two clocks the one that is ahead alone
// does not put the grid ahead.
func (c *clock) heed(r reading, ahead []time.Duration) {
	c.follow(r)
	all := append([]time.Duration{0}, ahead...)
	slices.Sort(all)
	median := all[(len(all)-1)/2]
	c.judged = len(ahead) > 0
	if median.Abs() > ClockTolerance {
		c.warn("this machine's clock is not used: it is far from the other coordinators'; set it right", "they are ahead by", median.Round(time.Second))
		c.trusted = anchor{c.trusted.on(r.elapsed).Add(median), r.elapsed}
		c.step = anchor{r.wall - c.trusted.time, r.elapsed}
	}
}

func (c *clock) warn(message string, about ...any) {
	if c.logger != nil {
		c.logger.Warn(message, about...)
	}
}

func near(a, b jobs.Time) bool { return duration(a-b).Abs() <= stepSlack }

func duration(t jobs.Time) time.Duration { return time.Duration(t) * time.Millisecond }
