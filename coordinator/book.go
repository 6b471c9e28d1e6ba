package coordinator

import (
	"sync"
	"time"

	"github.com/anthill-grid/anthill/coordinator/electorate"
	"github.com/anthill-grid/anthill/jobs"
)

// nearlyThere is how many entries of the log a coordinator may lack and still count as up
// to date: others are on their way while it is asked.
const nearlyThere = 256

// book is what the leader knows of the other coordinators, from asking them.
type book struct {
	mu     sync.Mutex
	others map[jobs.NodeID]*heard // nil: this coordinator does not lead
	noted  time.Time              // when the others were asked last
}

// heard is what is known of one.
type heard struct {
	described
	since  time.Time // when it was looked for first
	at     time.Time // when it answered last; zero: it has not
	steady time.Time // since when it has answered and been up to date; zero: it is not
	behind uint64    // entries of the log that it lacked
}

// begin forgets what an earlier term knew.
func (b *book) begin() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.others = map[jobs.NodeID]*heard{}
}

// end is when this coordinator leads no more.
func (b *book) end() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.others = nil
}

// note takes down what the others answered, or that they did not.
func (b *book) note(list []described, applied uint64, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.others == nil {
		return // this coordinator does not lead
	}
	b.noted = now
	for _, d := range list {
		h := b.others[d.node]
		if h == nil {
			h = &heard{described: described{node: d.node}, since: now}
			b.others[d.node] = h
		}
		if d.last == 0 {
			h.steady = time.Time{}
			continue
		}
		h.described, h.at, h.behind = d, now, applied-min(applied, d.applied)
		// One of the release before does not say how far it is.
		if d.applied > 0 && h.behind > nearlyThere {
			h.steady = time.Time{}
		} else if h.steady.IsZero() {
			h.steady = now
		}
	}
}

// fill adds what is known of a coordinator.
func (b *book) fill(s *electorate.Server, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	h := b.others[s.Node]
	if h == nil && b.others != nil {
		h = &heard{described: described{node: s.Node}, since: now}
		b.others[s.Node] = h
	}
	switch {
	case h == nil:
		s.Silent = 1
	case h.at.IsZero():
		s.Silent = max(1, now.Sub(h.since))
	case now.Sub(h.at) > 2*describeEvery+describeWait:
		s.Silent = now.Sub(h.at)
	case !h.steady.IsZero():
		s.Steady = now.Sub(h.steady)
	}
}

// of is what is known of a coordinator, a copy.
func (b *book) of(id jobs.NodeID) (heard, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h := b.others[id]; h != nil {
		return *h, true
	}
	return heard{}, false
}

// clockOf is how far a coordinator's clock is ahead of the leader's; false: it did not say
// when it was asked last.
func (b *book) clockOf(id jobs.NodeID) (time.Duration, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if h := b.others[id]; h != nil && h.at.Equal(b.noted) {
		return h.off, true
	}
	return 0, false
}
