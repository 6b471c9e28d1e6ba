package swarm

import (
	"context"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

const (
	// maxRemotes bounds the peers that a download remembers, and maxLinks those
	// that it is connected to at a time.
	maxRemotes = 256
	maxLinks   = 40
	// goldenStep is the golden ratio of a turn in units of 2^-32: any number of steps
	// of it lie far apart.
	goldenStep = 0x9E3779B9
)

// findRetry is when to ask again for peers if nobody could be asked.
const findRetry = 2 * time.Second

// find asks for more peers when it is time to.
func (d *download) find(now time.Time) {
	if d.swarm.cfg.Find == nil || d.finding || now.Before(d.findAt) {
		return
	}
	d.finding = true
	d.io.Go(func() {
		ctx, cancel := context.WithTimeout(d.ctx, handshakeTimeout)
		defer cancel()
		peers, again, err := d.swarm.cfg.Find(ctx, d.id)
		if err != nil {
			d.swarm.cfg.Logger.Debug("failed to find peers", "blob", d.id, "error", err)
			again = findRetry
		}
		d.send(found{peers, again})
	})
}

// connect calls peers as far as there are links left. A peer that has nothing to give
// makes room for one that might have.
func (d *download) connect(now time.Time) {
	links := 0
	var useless *remote
	for _, r := range d.remotes {
		d.checkRefusal(r)
		if r.link != nil {
			links++
			if r.ready && len(r.flights) == 0 && now.Sub(r.idle) > linger && !d.useful(r) {
				useless = r
			}
		}
	}
	prompt := d.prompter(now)
	for _, r := range d.remotes {
		if !r.callable(now) {
			continue
		}
		if links >= maxLinks {
			if useless != nil {
				useless.last, useless.paused = "lacks pieces", now.Add(slowFor)
				useless.link.stop()
			}
			return
		}
		links++
		ctx, cancel := context.WithCancel(d.ctx)
		r.link, r.ready = newLink(d, r, cancel), false
		r.link.prompt = r == prompt
		d.start += goldenStep
		l, p, have, start := r.link, r.Provider, d.have.Clone(), d.start
		d.io.Go(func() { l.run(ctx, p, have, start) })
	}
}

// prompter chooses the one peer that may send a small blob unasked, of those that
// are to be called now: it saves two round trips, and two peers would send it
// twice. It is nil if there is none, or if one has been told so already.
func (d *download) prompter(now time.Time) (best *remote) {
	if d.known && len(d.manifest.Pieces) != 1 {
		return nil
	}
	for _, k := range d.rng.Perm(len(d.remotes)) {
		r := d.remotes[k]
		if r.link != nil && r.link.prompt {
			return nil
		}
		if r.callable(now) && (best == nil || r.identity.rank() < best.identity.rank()) {
			best = r
		}
	}
	return best
}

// useful tells whether the peer has a piece that is missing here.
func (d *download) useful(r *remote) bool {
	for i := range d.manifest.Pieces {
		if r.have.Has(i) && !d.have.Has(i) {
			return true
		}
	}
	return false
}

// begin checks a manifest and makes room for the blob.
func (d *download) begin(encoded []byte) (blob.Manifest, blob.Bitmap, error) {
	m, err := blob.Decode(d.id, encoded)
	if err != nil {
		return m, nil, fmt.Errorf("%w: %w", errLie, err)
	}
	if err := d.swarm.cfg.Store.Begin(m); err != nil {
		return m, nil, atHome(err)
	}
	m, have, err := d.swarm.cfg.Store.Have(d.id)
	return m, have, atHome(err)
}
