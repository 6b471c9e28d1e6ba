package swarm

import (
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// greetTimeout only bounds a goroutine's life: nobody waits for a peer that
	// is slow to answer.
	greetTimeout = 10 * time.Second
	// reluctance is how long a source has to be idle before it may take a piece
	// that a preferred source is busy with.
	reluctance = 250 * time.Millisecond
	maxPause   = 2 * time.Second
	// slowFor is how long a peer stays out of favour that let a transfer stall.
	slowFor = 30 * time.Second
	// credit is how many pieces a peer may choose ahead. How many of them are on
	// their way at a time is the peer's business: it knows its line.
	credit = 8
)

// remote is a provider, as one download knows it.
type remote struct {
	Provider
	who      who
	link     *link // nil: none
	ready    bool  // it has answered
	have     blob.Bitmap
	flights  map[int]*flight // pieces on their way from it
	credit   int             // pieces that it may choose, or has
	paused   time.Time
	failures int       // in a row
	slow     time.Time // until when it is asked only if nobody else can be
	idle     time.Time
	proven   bool // it has sent a piece that was right
	refused  bool
	last     string // why it is of no use, for people
	seen     int64  // bytes that had come when they last grew enough
}

// flight is a piece that one peer is to send.
type flight struct {
	asked bool // by number; otherwise the peer chose it
	since time.Time
	moved time.Time // when its peer last sent enough
}

// fail keeps a peer from being asked for a while, longer each time.
func (r *remote) fail(now time.Time, err error) {
	r.last = status.Convert(err).Message()
	if status.Code(err) == codes.NotFound {
		r.last = "does not have it"
	}
	r.failures++
	r.paused = now.Add(min(maxPause, 100*time.Millisecond<<min(r.failures-1, 10)))
}

// callable tells whether a talk with the peer can begin now.
func (r *remote) callable(now time.Time) bool {
	return r.link == nil && !r.refused && !now.Before(r.paused)
}

// usable tells whether pieces can be asked of the peer now.
func (r *remote) usable(now time.Time) bool {
	return !r.refused && r.ready && !now.Before(r.paused)
}

// source is the peer in the policy's words.
func (r *remote) source(now time.Time) source {
	if !r.usable(now) {
		return source{}
	}
	if now.Before(r.slow) {
		return source{rank: lastRank, free: r.room(), have: r.have}
	}
	return source{
		rank:  rank(r.who.role),
		free:  r.room(),
		have:  r.have,
		eager: len(r.flights) == 0 && now.Sub(r.idle) >= reluctance,
	}
}

// room is how many more pieces may be asked of the peer: but one before it has
// shown that it sends what it should.
func (r *remote) room() int {
	if !r.proven {
		return 1 - len(r.flights)
	}
	return outstanding - len(r.flights)
}

// allowance is how many pieces the peer may choose.
func (r *remote) allowance() int {
	if !r.proven {
		return 1
	}
	return credit
}

// chosen is how many pieces that the peer chose are on their way.
func (r *remote) chosen() (n int) {
	for _, f := range r.flights {
		if !f.asked {
			n++
		}
	}
	return n
}
