package swarm

import (
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// request asks for what is wanted. If that is all of a blob, the choice is left to the
// peers, which know what is rare; parts are asked for by number.
func (d *download) request(now time.Time) {
	whole := d.whole()
	if whole {
		d.giveCredit(now)
	}
	if whole && now.Sub(d.moved) < lateAfter {
		d.endgame(now, true)
		return
	}
	missing := d.missing()
	sources := make([]source, len(d.remotes))
	for k, r := range d.remotes {
		sources[k] = d.source(r, now)
	}
	for _, a := range assign(missing, sources, d.rng) {
		d.ask(a.piece, d.remotes[a.source], now)
	}
	d.endgame(now, false)
}

// whole tells whether there is a fetch of all of the blob.
func (d *download) whole() bool {
	for _, f := range d.fetches {
		if first, end := d.manifest.Covering(f.off, f.n); first == 0 && end == len(d.manifest.Pieces) {
			return true
		}
	}
	return false
}

// source is a peer in the policy's words.
func (d *download) source(r *remote, now time.Time) source {
	switch {
	case !r.usable(now):
		return source{}
	case !r.favoured(now):
		return source{rank: lastRank, free: r.mayAsk(), have: r.have}
	}
	return source{rank: d.rank(r, now), free: r.mayAsk(), have: r.have, eager: r.eager(now)}
}

// rank is by the peer's role, but a peer that outpaces all those preferred to it is
// one of them: otherwise one that has everything and a slow line would keep all others
// from sending.
func (d *download) rank(r *remote, now time.Time) int {
	own := r.identity.rank()
	if own == 0 || r.pace == 0 {
		return own
	}
	var preferred float64
	for _, other := range d.remotes {
		if other.favoured(now) && other.identity.rank() < own {
			preferred += other.speed(d.manifest.PieceSize, now)
		}
	}
	if r.pace > outpacing*preferred {
		return 0
	}
	return own
}

// giveCredit lets the peers choose what to send, but spares those that would
// rather leave to others what others have: they get to send a piece now and then, which
// shows how fast they are.
func (d *download) giveCredit(now time.Time) {
	for _, r := range d.remotes {
		if !r.favoured(now) {
			continue
		}
		allowed := r.mayChoose()
		if allowed > r.credit && d.spares(r, now) {
			allowed = 0
			if r.eager(now) {
				allowed = 1
			}
		}
		if more := allowed - r.credit; more > 0 {
			r.credit += more
			r.link.send(func(out *anthillv1.ExchangeRequest) { out.Credit += uint32(more) })
		}
	}
}

// spares tells whether preferred peers have all that is missing.
func (d *download) spares(r *remote, now time.Time) bool {
	best := d.rank(r, now)
	for i := range d.manifest.Pieces {
		if d.have.Has(i) {
			continue
		}
		found := false
		for _, other := range d.remotes {
			if found = other.favoured(now) && other.identity.rank() < best && other.have.Has(i); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// missing lists the pieces that are wanted and that no peer is sending.
func (d *download) missing() []int {
	wanted := blob.NewBitmap(len(d.manifest.Pieces))
	var list []int
	for _, f := range d.fetches {
		first, end := d.manifest.Covering(f.off, f.n)
		for i := first; i < end; i++ {
			if !wanted.Has(i) && !d.have.Has(i) && len(d.flights[i]) == 0 {
				wanted.Set(i)
				list = append(list, i)
			}
		}
	}
	return list
}

// endgame asks a second peer for pieces that take long, if nothing else is left
// to ask for; as long as something moves only one that is a lot faster, or may be.
// Whichever comes second is cancelled.
func (d *download) endgame(now time.Time, moves bool) {
	if len(d.missing()) > 0 {
		return
	}
	late := lateAfter
	if moves {
		late = stallAfter
	}
	for i, from := range d.flights {
		if len(from) != 1 || now.Sub(from[0].flights[i].since) < late {
			continue
		}
		for _, r := range d.remotes {
			if moves && r.proven && r.pace <= outpacing*from[0].speed(d.manifest.PieceSize, now) {
				continue
			}
			if r != from[0] && r.favoured(now) && len(r.flights) == 0 && r.have.Has(i) {
				d.ask(i, r, now)
				break
			}
		}
	}
}

// ask asks a peer for a piece.
func (d *download) ask(i int, r *remote, now time.Time) {
	d.fly(i, r, now, true)
	r.link.ask(i)
}

// fly notes that a peer is to send a piece, and lets the others know.
func (d *download) fly(i int, r *remote, now time.Time, asked bool) {
	r.flights[i] = &flight{asked: asked, since: now, moved: now}
	d.flights[i] = append(d.flights[i], r)
	d.broadcast(r, func(out *anthillv1.ExchangeRequest) { out.Coming = append(out.Coming, uint32(i)) })
}

// broadcast sends something to all peers but one.
func (d *download) broadcast(not *remote, add func(*anthillv1.ExchangeRequest)) {
	for _, r := range d.remotes {
		if r != not && r.link != nil {
			r.link.send(add)
		}
	}
}

// unstall gives up pieces that hardly move, if another peer has them.
func (d *download) unstall(now time.Time) {
	for _, r := range d.remotes {
		if len(r.flights) == 0 || r.link == nil {
			continue
		}
		received := r.link.bytesReceived()
		moved := received-r.seen >= stallBytes
		if moved {
			r.seen, d.moved = received, now
		}
		for i, f := range r.flights {
			if moved {
				f.moved = now
			}
			if now.Sub(f.moved) < stallAfter || !d.elsewhere(i, r, now) {
				continue
			}
			r.link.cancel(i)
			d.land(i, r)
			r.slow, r.last = now.Add(slowFor), "is too slow"
		}
	}
}

// land notes that a peer does not send a piece any more.
func (d *download) land(i int, r *remote) {
	f := r.flights[i]
	if f == nil {
		return
	}
	delete(r.flights, i)
	if !f.asked {
		r.credit--
	}
	var others []*remote
	for _, other := range d.flights[i] {
		if other != r {
			others = append(others, other)
		}
	}
	d.flights[i] = others
	if len(others) == 0 {
		delete(d.flights, i)
		if !d.have.Has(i) {
			d.broadcast(nil, func(out *anthillv1.ExchangeRequest) { out.Lost = append(out.Lost, uint32(i)) })
		}
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
