package swarm

import (
	"context"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

const (
	// tick is how often stalled transfers are looked for.
	tick = 50 * time.Millisecond
	// stallAfter is how long a transfer may take for its next stallBytes before
	// the piece is asked of another peer. So many bytes also count as a sign of life for
	// Config.Patience.
	stallAfter = 2 * time.Second
	stallBytes = 16 << 10
	// lateAfter is when a piece that is on its way may be asked of a second peer,
	// if there is nothing else to ask for.
	lateAfter = 500 * time.Millisecond
	// standstill is a gap between two steps that means that this process was stopped,
	// or its machine asleep: nobody could send anything.
	standstill = 2 * time.Second
	// linger is how long a download without fetches remembers its peers: the next
	// shard of the same blob is probably wanted soon.
	linger = time.Second
)

// event is something that happened outside of the download's goroutine.
type event interface{ apply(d *download) }

// download fetches one blob. Its goroutine, in run, owns all fields that are
// not set once by newDownload; others send it events.
type download struct {
	swarm  *Swarm
	id     blob.ID
	ctx    context.Context
	cancel context.CancelFunc
	events chan event
	done   chan struct{}                                          // closed when no event is taken any more
	local  func() (m blob.Manifest, have blob.Bitmap, known bool) // what the store has
	io     sync.WaitGroup

	manifest blob.Manifest
	known    bool // manifest is
	have     blob.Bitmap
	remotes  []*remote
	fetches  []*fetch
	flights  map[int][]*remote // pieces on their way, and from whom: two at most
	counted  map[int]bool      // pieces that came, whether or not the store told first
	moved    time.Time         // when somebody last sent something
	idle     time.Time         // since when there is no fetch
	traffic  Traffic           // all that came
	finding  bool
	findAt   time.Time
	start    uint32 // where the last peer was told to begin
	rng      *rand.Rand
}

func newDownload(s *Swarm, id blob.ID) *download {
	ctx, cancel := context.WithCancel(s.ctx)
	return &download{
		swarm: s, id: id, ctx: ctx, cancel: cancel,
		events:  make(chan event),
		done:    make(chan struct{}),
		local:   func() (blob.Manifest, blob.Bitmap, bool) { return s.local(id) },
		flights: make(map[int][]*remote),
		counted: make(map[int]bool),
		traffic: make(Traffic),
		idle:    time.Now(),
		start:   rand.Uint32(),
		rng:     rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())),
	}
}

// run is the download's life.
func (d *download) run() {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	last := time.Now()
	for !d.over(time.Now()) {
		select {
		case <-d.ctx.Done():
		case <-ticker.C:
		case ev := <-d.events:
			ev.apply(d)
		}
		now := time.Now()
		if now.Sub(last) >= standstill {
			d.moved = now
		}
		last = now
		d.step(now)
	}
	d.swarm.forget(d)
	close(d.done)
	d.settleAll(ErrClosed)
	d.cancel()
	d.io.Wait()
}

func (d *download) over(now time.Time) bool {
	return d.ctx.Err() != nil || (len(d.fetches) == 0 && now.Sub(d.idle) >= linger)
}

// step does what the present state asks for.
func (d *download) step(now time.Time) {
	d.settle(now)
	if len(d.fetches) == 0 {
		return
	}
	if err := d.swarm.cfg.Spent(); err != nil {
		d.settleAll(err)
		d.cancel() // what is on its way must not come either
		return
	}
	d.idle = now
	d.find(now)
	d.connect(now)
	if d.known {
		d.unstall(now)
		d.request(now)
	}
}

// settle answers the fetches that have all that they need, and those for which
// nothing has happened for too long.
func (d *download) settle(now time.Time) {
	var open []*fetch
	for _, f := range d.fetches {
		waiting := now.Sub(later(f.since, d.moved))
		switch {
		case f.satisfiedBy(d.manifest, d.have, d.known):
			f.result <- nil
		case waiting >= d.swarm.cfg.Patience || d.hopeless():
			f.result <- d.unavailable(f)
		default:
			open = append(open, f)
		}
	}
	d.fetches = open
}

// settleAll answers all fetches with err.
func (d *download) settleAll(err error) {
	for _, f := range d.fetches {
		f.result <- err
	}
	d.fetches = nil
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// hopeless tells whether there is nobody to ask.
func (d *download) hopeless() bool {
	if d.finding {
		return false
	}
	for _, r := range d.remotes {
		if !r.refused {
			return false
		}
	}
	return true
}

// send hands an event to the download; false if it has ended.
func (d *download) send(ev event) bool {
	select {
	case d.events <- ev:
		return true
	case <-d.done:
		return false
	}
}

// await waits for the answer to a fetch that was sent. Only then may its traffic be
// read.
func (d *download) await(ctx context.Context, f *fetch) (Traffic, error) {
	select {
	case err := <-f.result:
		return f.traffic, err
	case <-ctx.Done():
	}
	d.send(drop{f, ctx.Err()})
	return f.traffic, <-f.result
}
