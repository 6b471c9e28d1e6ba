package swarm

import (
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
)

const (
	// reluctance is how long a source has to be idle before it may take a piece
	// that a preferred source is busy with.
	reluctance = 250 * time.Millisecond
	// outpacing is how many times as fast as all preferred peers together a peer must
	// be to be preferred as well.
	outpacing = 4
	maxPause  = 2 * time.Second
	// slowFor is how long a peer that let a transfer stall stays out of favour.
	slowFor = 30 * time.Second
)

// remote is a provider, as one download knows it.
type remote struct {
	Provider
	identity peerIdentity
	link     *link // nil: none
	ready    bool  // it has answered
	have     blob.Bitmap
	flights  map[int]*flight // pieces on their way from it
	credit   int             // pieces that it may choose, or has
	paused   time.Time
	failures int       // in a row
	slow     time.Time // until when it is asked only if nobody else can be
	idle     time.Time
	proven   bool    // it has sent a piece that was right
	pace     float64 // bytes a second at which its last piece came, at least; 0: none did
	rate     float64 // and at most: others may have come beside it
	refused  bool
	hearsay  bool   // only other peers have named it, and it has never answered
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

// callable tells whether the peer can be called now.
func (r *remote) callable(now time.Time) bool {
	return r.link == nil && !r.refused && !r.givenUp() && !now.Before(r.paused)
}

// givenUp tells whether the peer is not called any more: its address may belong to a
// machine that has nothing to do with the grid.
func (r *remote) givenUp() bool { return r.link == nil && r.hearsay && r.failures >= hopeful }

// usable tells whether pieces can be asked of the peer now.
func (r *remote) usable(now time.Time) bool {
	return !r.refused && r.ready && !now.Before(r.paused)
}

// favoured tells whether pieces are asked of the peer like of any other.
func (r *remote) favoured(now time.Time) bool { return r.usable(now) && !now.Before(r.slow) }

// eager tells whether the peer has had nothing to do for long enough.
func (r *remote) eager(now time.Time) bool {
	return len(r.flights) == 0 && now.Sub(r.idle) >= reluctance
}

// speed is at most how many bytes a second come from the peer, by its last piece and by
// how long the next one of n bytes has been taking.
func (r *remote) speed(n int64, now time.Time) float64 {
	since := r.idle
	if len(r.flights) == 0 && r.rate > 0 {
		return r.rate
	}
	if r.rate > 0 {
		oldest := now
		for _, f := range r.flights {
			if f.since.Before(oldest) {
				oldest = f.since
			}
		}
		since = later(since, oldest)
	}
	bound := float64(n) / now.Sub(since).Seconds()
	if r.rate > 0 {
		return min(r.rate, bound)
	}
	return bound
}
