package swarm

import (
	"context"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// maxRemotes bounds the peers that a download remembers, and maxLinks those
	// that it talks to at a time.
	maxRemotes = 256
	maxLinks   = 40
	// goldenStep is the golden ratio of a turn in units of 2^-32: so many steps
	// of it as one likes lie far apart.
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
		ctx, cancel := context.WithTimeout(d.ctx, greetTimeout)
		defer cancel()
		peers, again, err := d.swarm.cfg.Find(ctx, d.id)
		if err != nil {
			d.swarm.cfg.Logger.Debug("find peers", "blob", d.id, "error", err)
			again = findRetry
		}
		d.send(found{peers, again})
	})
}

// connect begins to talk to peers as far as there is room. Who has nothing to
// give makes room for who might.
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
				useless.link.cancel()
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
		if r.callable(now) && (best == nil || rank(r.who.role) < rank(best.who.role)) {
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

// request asks for what is wanted. Who wants all of a blob leaves the choice to
// the peers, who know what is rare; parts are asked for by number.
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

// whole tells whether somebody wants all of the blob.
func (d *download) whole() bool {
	for _, w := range d.wants {
		if first, end := d.manifest.Covering(w.off, w.n); first == 0 && end == len(d.manifest.Pieces) {
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
		return source{rank: lastRank, free: r.room(), have: r.have}
	}
	return source{rank: d.rank(r, now), free: r.room(), have: r.have, eager: r.eager(now)}
}

// rank is by the peer's role, but who outpaces all that are preferred to it is one of
// them: else one that has everything and a slow line would keep all others from sending.
func (d *download) rank(r *remote, now time.Time) int {
	own := rank(r.who.role)
	if own == 0 || r.pace == 0 {
		return own
	}
	var preferred float64
	for _, other := range d.remotes {
		if other.favoured(now) && rank(other.who.role) < own {
			preferred += other.speed(d.manifest.PieceSize, now)
		}
	}
	if r.pace > outpacing*preferred {
		return 0
	}
	return own
}

// giveCredit lets the peers choose what to send, but spares those who would
// rather leave what others have to them: they get to send a piece now and then, which
// shows how fast they are.
func (d *download) giveCredit(now time.Time) {
	for _, r := range d.remotes {
		if !r.favoured(now) {
			continue
		}
		allowed := r.allowance()
		if allowed > r.credit && d.spares(r, now) {
			allowed = 0
			if r.eager(now) {
				allowed = 1
			}
		}
		if more := allowed - r.credit; more > 0 {
			r.credit += more
			r.link.say(func(out *anthillv1.ExchangeRequest) { out.Credit += uint32(more) })
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
			if found = other.favoured(now) && rank(other.who.role) < best && other.have.Has(i); found {
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}

// missing lists the pieces that somebody wants and nobody is sending.
func (d *download) missing() []int {
	wanted := blob.NewBitmap(len(d.manifest.Pieces))
	var list []int
	for _, w := range d.wants {
		first, end := d.manifest.Covering(w.off, w.n)
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
	d.tell(r, func(out *anthillv1.ExchangeRequest) { out.Coming = append(out.Coming, uint32(i)) })
}

// tell says something to all peers but one.
func (d *download) tell(not *remote, say func(*anthillv1.ExchangeRequest)) {
	for _, r := range d.remotes {
		if r != not && r.link != nil {
			r.link.say(say)
		}
	}
}

// unstall gives up pieces that hardly move, if another peer has them.
func (d *download) unstall(now time.Time) {
	for _, r := range d.remotes {
		if len(r.flights) == 0 || r.link == nil {
			continue
		}
		received := r.link.progress()
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
			r.link.refuse(i)
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
			d.tell(nil, func(out *anthillv1.ExchangeRequest) { out.Lost = append(out.Lost, uint32(i)) })
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
