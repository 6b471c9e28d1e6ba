package swarm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// apply adds a Fetch.
func (f *fetch) apply(d *download) {
	d.refresh()
	for _, p := range f.providers {
		d.addRemote(p, false)
	}
	d.fetches = append(d.fetches, f)
}

// refresh looks into the store: since the last Fetch pieces may have been found
// corrupt, or the whole blob may have been evicted; then a peer has to send its manifest
// again.
func (d *download) refresh() {
	before := d.have
	d.manifest, d.have, d.known = d.local()
	for i := range 8 * len(before) {
		if before.Has(i) && !d.have.Has(i) {
			delete(d.counted, i)
			d.broadcast(nil, func(out *anthillv1.ExchangeRequest) { out.Lost = append(out.Lost, uint32(i)) })
		}
	}
	if !d.known {
		for _, r := range d.remotes {
			if r.link != nil {
				r.link.stop()
			}
		}
	}
}

// addRemote adds a peer or, if it is known, notes on whose word: hearsay is that of
// another peer, on which alone no address is called many times.
func (d *download) addRemote(p Provider, hearsay bool) {
	if d.swarm.cfg.self(p) || p.Address == "" {
		return
	}
	for _, r := range d.remotes {
		if r.Address == p.Address && (r.Node == p.Node || p.Node == "" || r.Node == "" && r.link == nil) {
			if r.Node == "" {
				r.Node = p.Node
			}
			r.hearsay = r.hearsay && hearsay
			if r.link == nil && r.failures < hopeful {
				r.paused = time.Time{} // it lives
			}
			return
		}
	}
	if at := slices.IndexFunc(d.remotes, (*remote).givenUp); len(d.remotes) >= maxRemotes && at >= 0 && !hearsay {
		d.remotes = slices.Delete(d.remotes, at, at+1) // others on hearsay would be endless
	}
	if len(d.remotes) >= maxRemotes {
		return
	}
	r := &remote{Provider: p, hearsay: hearsay, idle: time.Now(), flights: make(map[int]*flight)}
	r.identity.role = p.Role
	d.checkRefusal(r)
	d.remotes = append(d.remotes, r)
}

// hopeful is how many failures in a row may be forgiven to a peer that was named
// again: it may just have had nothing yet.
const hopeful = 5

// introduced are peers that others told of.
type introduced struct {
	peers   []Provider
	hearsay bool // it was another peer that did, or they themselves
}

func (ev introduced) apply(d *download) {
	for _, p := range ev.peers {
		d.addRemote(p, ev.hearsay)
	}
}

// checkRefusal looks whether another download has caught the peer lying.
func (d *download) checkRefusal(r *remote) {
	if !r.refused && d.swarm.refusals.has(r.identity.node, r.Address) {
		r.refused, r.last = true, errRefused.Error()
	}
}

// drop ends a Fetch whose caller gave up.
type drop struct {
	fetch *fetch
	err   error
}

func (ev drop) apply(d *download) {
	at := slices.Index(d.fetches, ev.fetch)
	if at >= 0 {
		d.fetches = slices.Delete(d.fetches, at, at+1)
		ev.fetch.result <- ev.err
	}
}

// linked is a peer's first answer.
type linked struct {
	from     *remote
	identity peerIdentity
	manifest blob.Manifest
	local    blob.Bitmap // what the store has
	have     blob.Bitmap // what the peer has
	comes    bool        // the only piece does, without being asked for
}

func (ev linked) apply(d *download) {
	r := ev.from
	r.identity = ev.identity
	if !d.known {
		d.manifest, d.have, d.known = ev.manifest, ev.local, true
		d.moved = time.Now()
	}
	r.have = blob.NewBitmap(len(d.manifest.Pieces))
	copy(r.have, ev.have)
	r.ready, r.hearsay, r.last, r.seen = true, false, "lacks pieces", 0
	r.idle = time.Now()
	var coming []uint32
	for i := range d.flights {
		coming = append(coming, uint32(i))
	}
	r.link.send(func(out *anthillv1.ExchangeRequest) {
		out.Gained = append(out.Gained, indices(d.have, len(d.manifest.Pieces))...)
		out.Coming = append(out.Coming, coming...)
	})
	switch {
	case !ev.comes:
	case d.unwanted(0):
		r.link.cancel(0)
	default:
		d.fly(0, r, time.Now(), true)
	}
}

// unwanted tells whether piece i is of no use, or comes anyway.
func (d *download) unwanted(i int) bool {
	return d.have.Has(i) || len(d.flights[i]) > 0 || len(d.fetches) == 0
}

// indices are the pieces in a bitmap.
func indices(b blob.Bitmap, n int) []uint32 {
	var list []uint32
	for i := range n {
		if b.Has(i) {
			list = append(list, uint32(i))
		}
	}
	return list
}

// message is what a peer says, without data.
type message struct {
	from                      *remote
	gained, promised, lacking []int
	peers                     []Provider
}

func (ev message) apply(d *download) {
	r := ev.from
	introduced{ev.peers, true}.apply(d)
	for _, i := range ev.gained {
		if i < 8*len(r.have) {
			r.have.Set(i)
		}
	}
	for _, i := range ev.promised {
		d.promised(i, r)
	}
	for _, i := range ev.lacking {
		if i < 8*len(r.have) {
			r.have.Clear(i)
		}
		if r.flights[i] != nil {
			r.slow, r.last = time.Now().Add(slowFor), "takes back what it said it has"
		}
		d.land(i, r)
	}
}

// promised takes a piece that a peer chose or, where it is of no use or beyond what the
// peer may choose, turns it down: what counts as coming nobody else sends.
func (d *download) promised(i int, r *remote) {
	switch {
	case r.chosen() >= r.credit:
		r.link.cancel(i)
	case d.unwanted(i):
		r.credit--
		r.link.cancel(i)
	default:
		d.fly(i, r, time.Now(), false)
		r.link.ask(i)
	}
}

// unlinked is the end of the exchange with a peer.
type unlinked struct {
	from     *remote
	identity peerIdentity
	err      error
}

func (ev unlinked) apply(d *download) {
	r := ev.from
	for i := range r.flights {
		d.land(i, r)
	}
	r.link, r.ready, r.credit, r.have = nil, false, 0, nil
	if ev.identity.node != "" {
		r.identity = ev.identity
	}
	if d.ctx.Err() != nil || time.Now().Before(r.paused) {
		return
	}
	d.failed(r, ev.err)
}

// failed decides whether a peer is refused or tried again later, or whether this
// node's store is the trouble.
func (d *download) failed(r *remote, err error) {
	var trouble *storeError
	switch {
	case errors.As(err, &trouble):
		d.settleAll(trouble.err)
	case errors.Is(err, errLie):
		d.swarm.refuse(r.identity, r.Address, d.id, err)
		d.checkRefusal(r)
	default:
		r.fail(time.Now(), err)
	}
}

// arrived is a piece that was stored.
type arrived struct {
	from     *remote
	piece    int
	identity peerIdentity
}

// A piece counts in the traffic of the first fetch that needs it.
func (ev arrived) apply(d *download) {
	r, i, now := ev.from, ev.piece, time.Now()
	if f := r.flights[i]; f != nil && d.known {
		n := float64(d.manifest.PieceLen(i))
		r.pace, r.rate = n/now.Sub(f.since).Seconds(), n/now.Sub(later(f.since, r.idle)).Seconds()
	}
	r.failures, r.idle, d.moved = 0, now, now
	fresh := !d.counted[i]
	d.counted[i] = true
	r.proven = true
	if _, have, known := d.local(); known && have.Has(i) && d.known {
		d.have.Set(i) // if it was given up, the store may have lost it since
	}
	d.land(i, r)
	for _, other := range slices.Clone(d.flights[i]) {
		other.link.cancel(i)
		d.land(i, other)
	}
	d.broadcast(nil, func(out *anthillv1.ExchangeRequest) { out.Gained = append(out.Gained, uint32(i)) })
	if !fresh || !d.known {
		return
	}
	d.swarm.stored.Add(d.manifest.PieceLen(i))
	d.swarm.ledger.note(d.id, ev.identity.node, d.manifest.PieceLen(i))
	d.traffic[ev.identity.role] += d.manifest.PieceLen(i)
	for _, f := range d.fetches {
		if f.covers(d.manifest, i) {
			f.traffic[ev.identity.role] += d.manifest.PieceLen(i)
			return
		}
	}
}

// storeError is trouble of this node's store, for which no peer is to blame.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }

// atHome marks errors of this node's store, except the proof that a peer lied.
func atHome(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, blob.ErrInvalid):
		return fmt.Errorf("%w: %w", errLie, err)
	case errors.Is(err, blobstore.ErrNotFound):
		return &storeError{fmt.Errorf("blob was deleted while it was fetched: %w", err)}
	default:
		return &storeError{err}
	}
}

// unavailable says what is missing and what is wrong with each peer.
func (d *download) unavailable(f *fetch) error {
	missing := "its manifest is missing"
	if d.known {
		first, end := d.manifest.Covering(f.off, f.n)
		n := 0
		for i := first; i < end; i++ {
			if !d.have.Has(i) {
				n++
			}
		}
		missing = fmt.Sprintf("%d of %d pieces are missing", n, end-first)
	}
	var peers []string
	for _, r := range d.remotes {
		why := r.last
		if why == "" {
			why = "does not answer"
		}
		peers = append(peers, r.Address+" "+why)
	}
	if len(peers) == 0 {
		peers = []string{"no peer was named"}
	}
	return fmt.Errorf("%w: %s: %s", ErrUnavailable, missing, strings.Join(peers, "; "))
}

// found is what Find has found.
type found struct {
	peers []Provider
	again time.Duration
}

func (ev found) apply(d *download) {
	introduced{ev.peers, false}.apply(d)
	d.finding, d.findAt = false, time.Now().Add(ev.again)
}

// progressQuery asks how far the download is.
type progressQuery struct{ answer chan<- Progress }

func (ev progressQuery) apply(d *download) {
	p := Progress{From: make(Traffic)}
	p.From.Add(d.traffic)
	for _, r := range d.remotes {
		if r.ready {
			p.Peers++
		}
		if r.link != nil {
			p.Coming += r.link.unfinished()
		}
	}
	ev.answer <- p
}
