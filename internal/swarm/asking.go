package swarm

import (
	"context"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// askAround starts the Stats that are due.
func (d *download) askAround(now time.Time) {
	for _, r := range d.remotes {
		d.checkRefusal(r)
		if r.statDue(now, len(d.manifest.Pieces)) {
			r.asking, r.asked = true, now
			d.io.Go(func() { d.stat(r, r.Provider) })
		}
	}
}

// stat runs beside the download's goroutine.
func (d *download) stat(r *remote, p Provider) {
	ctx, cancel := context.WithTimeout(d.ctx, statTimeout)
	defer cancel()
	resp, from, err := d.swarm.stat(ctx, d.id, p)
	ev := statted{from: r, who: from, err: err}
	if err == nil {
		ev.have = resp.GetHave()
		ev.manifest, ev.local, ev.err = d.begin(resp.GetManifest())
		if ev.have == nil {
			ev.have = blob.Bitmap{}
		}
	}
	d.send(ev)
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

// askForPieces starts the transfers that the policy chooses.
func (d *download) askForPieces(now time.Time) {
	missing := d.missing()
	if len(missing) == 0 {
		return
	}
	sources := make([]source, len(d.remotes))
	for k, r := range d.remotes {
		sources[k] = r.source(now)
	}
	for _, a := range assign(missing, sources, d.rng) {
		d.start(a.piece, d.remotes[a.source], now)
	}
}

// missing lists the pieces that somebody wants and nobody is sending.
func (d *download) missing() []int {
	wanted := blob.NewBitmap(len(d.manifest.Pieces))
	var list []int
	for _, w := range d.wants {
		first, end := d.manifest.Covering(w.off, w.n)
		for i := first; i < end; i++ {
			if !wanted.Has(i) && !d.have.Has(i) && d.inflight[i] == nil {
				wanted.Set(i)
				list = append(list, i)
			}
		}
	}
	return list
}

// start asks a peer for a piece.
func (d *download) start(i int, r *remote, now time.Time) {
	ctx, cancel := context.WithCancel(d.ctx)
	t := &transfer{piece: i, from: r, cancel: cancel, moved: now}
	d.inflight[i] = t
	r.busy++
	m, p := d.manifest, r.Provider
	d.io.Go(func() {
		defer cancel()
		from, err := d.transfer(ctx, t, m, p)
		d.send(arrived{t, from, err})
	})
}

// transfer runs beside the download's goroutine.
func (d *download) transfer(ctx context.Context, t *transfer, m blob.Manifest, p Provider) (who, error) {
	data, from, err := d.swarm.readPiece(ctx, m, d.id, t.piece, p, &t.received)
	if err != nil {
		return from, err
	}
	if d.swarm.refusals.has(from.node, p.Address) {
		return from, errRefused
	}
	return from, atHome(d.swarm.cfg.Store.WritePiece(d.id, t.piece, data))
}

// unstall gives up transfers that hardly move, if another peer has the piece.
func (d *download) unstall(now time.Time) {
	for i, t := range d.inflight {
		if n := t.received.Load(); n-t.seen >= stallBytes {
			t.seen, t.moved = n, now
			d.moved = now
		}
		if now.Sub(t.moved) < stallAfter || !d.elsewhere(i, t.from, now) {
			continue
		}
		d.abandon(t)
		t.from.slow, t.from.last = now.Add(slowFor), "is too slow"
	}
}

// elsewhere tells whether another peer can be asked for piece i.
func (d *download) elsewhere(i int, not *remote, now time.Time) bool {
	for _, r := range d.remotes {
		if r != not && r.usable(now) && r.have.Has(i) {
			return true
		}
	}
	return false
}
