package swarm

import (
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

const (
	// statEvery is how old the knowledge of a peer's pieces may get while the
	// peer may still gain some.
	statEvery = time.Second
	// statTimeout only bounds a goroutine's life: nobody waits for a slow Stat.
	statTimeout = 10 * time.Second
	// reluctance is how long a source has to be idle before it may take a piece
	// that a preferred source is busy with.
	reluctance = 250 * time.Millisecond
	maxPause   = 2 * time.Second
	// slowFor is how long a peer stays out of favour that let a transfer stall.
	slowFor = 30 * time.Second
)

// remote is a provider, as one download knows it.
type remote struct {
	Provider
	who      who
	have     blob.Bitmap // nil until its first answer
	asked    time.Time   // when the last Stat began
	asking   bool
	busy     int // pieces asked of it
	paused   time.Time
	failures int       // in a row
	slow     time.Time // until when it is asked only if nobody else can be
	idle     time.Time
	refused  bool
	last     string // why it is of no use, for people
}

// fail keeps a peer from being asked for a while, longer each time.
func (r *remote) fail(now time.Time, err error) {
	r.last = status.Convert(err).Message()
	if status.Code(err) == codes.NotFound {
		r.have = nil
		r.last = "does not have it"
	}
	r.pause(now)
}

// pause counts a failure.
func (r *remote) pause(now time.Time) {
	r.failures++
	r.paused = now.Add(min(maxPause, 100*time.Millisecond<<min(r.failures, 10)))
}

// usable tells whether pieces can be asked of the peer now.
func (r *remote) usable(now time.Time) bool {
	return !r.refused && r.have != nil && !now.Before(r.paused)
}

// statDue tells whether to ask what the peer has. A peer that has all that the
// blob is made of cannot gain any.
func (r *remote) statDue(now time.Time, pieces int) bool {
	if r.refused || r.asking || now.Before(r.paused) {
		return false
	}
	if r.have == nil {
		return r.asked.IsZero() || r.failures > 0
	}
	return now.Sub(r.asked) >= statEvery && !r.have.All(pieces)
}

// source is the peer in the policy's words.
func (r *remote) source(now time.Time) source {
	if !r.usable(now) {
		return source{}
	}
	if now.Before(r.slow) {
		return source{rank: lastRank, free: outstanding - r.busy, have: r.have}
	}
	return source{
		rank:  rank(r.who.role),
		free:  outstanding - r.busy,
		have:  r.have,
		eager: r.busy == 0 && now.Sub(r.idle) >= reluctance,
	}
}
