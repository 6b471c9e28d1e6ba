package swarm

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// apply adds a Fetch.
func (w *want) apply(d *download) {
	d.refresh()
	for _, p := range w.providers {
		d.addRemote(p)
	}
	d.wants = append(d.wants, w)
}

// refresh looks into the store: since the last Fetch pieces may have been found
// corrupt, or the whole blob may have been evicted, in which case somebody has
// to tell its manifest again.
func (d *download) refresh() {
	d.manifest, d.have, d.known = d.swarm.local(d.id)
	if d.known {
		return
	}
	for _, r := range d.remotes {
		r.have, r.asked = nil, time.Time{}
	}
}

func (d *download) addRemote(p Provider) {
	if p.Address == d.swarm.cfg.Self || p.Address == "" {
		return
	}
	for _, r := range d.remotes {
		if r.Address == p.Address && r.Node == p.Node {
			return
		}
	}
	r := &remote{Provider: p, idle: time.Now()}
	r.who.role = p.Role
	d.checkRefusal(r)
	d.remotes = append(d.remotes, r)
}

// checkRefusal looks whether another download has caught the peer lying.
func (d *download) checkRefusal(r *remote) {
	if !r.refused && d.swarm.refusals.has(r.who.node, r.Address) {
		r.refused, r.last = true, errRefused.Error()
	}
}

// drop ends a Fetch whose caller gave up.
type drop struct {
	want *want
	err  error
}

func (ev drop) apply(d *download) {
	at := slices.Index(d.wants, ev.want)
	if at >= 0 {
		d.wants = slices.Delete(d.wants, at, at+1)
		ev.want.result <- ev.err
	}
}

// statted is the end of a Stat.
type statted struct {
	from     *remote
	who      who
	manifest blob.Manifest
	have     blob.Bitmap
	local    blob.Bitmap // what the store has, if this answer brought the manifest
	err      error
}

func (ev statted) apply(d *download) {
	r := ev.from
	r.asking = false
	if ev.who.node != "" {
		r.who = ev.who
	}
	d.checkRefusal(r)
	if ev.err != nil {
		d.failed(r, ev.err)
		return
	}
	if !d.known {
		d.manifest, d.have, d.known = ev.manifest, ev.local, true
		d.moved = time.Now()
	}
	if r.have == nil {
		r.idle = time.Now()
	}
	r.have, r.failures, r.last = ev.have, 0, "lacks pieces"
}

// failed sorts out whether a peer is to be refused or tried again later, or
// whether the own store is the trouble.
func (d *download) failed(r *remote, err error) {
	var trouble *storeError
	switch {
	case errors.As(err, &trouble):
		d.settleAll(trouble.err)
	case errors.Is(err, errLie):
		d.swarm.refusals.add(r.who.node, r.Address)
		d.swarm.cfg.Logger.Warn("peer refused", "address", r.Address, "node", r.who.node, "blob", d.id, "cause", err)
		d.checkRefusal(r)
		for _, t := range d.inflight {
			if t.from == r {
				d.abandon(t)
			}
		}
	default:
		r.fail(time.Now(), err)
	}
}

// arrived is the end of a transfer.
type arrived struct {
	transfer *transfer
	who      who
	err      error
}

func (ev arrived) apply(d *download) {
	t := ev.transfer
	r, gone := t.from, t.dropped
	d.abandon(t)
	r.busy--
	r.idle = time.Now()
	if ev.who.node != "" {
		r.who = ev.who
	}
	switch {
	case ev.err == nil:
		r.failures = 0
		d.gain(t, ev.who, gone)
	case gone && !errors.Is(ev.err, errLie):
	case status.Code(ev.err) == codes.NotFound && r.have.Has(t.piece):
		r.have.Clear(t.piece)
		r.pause(r.idle)
	default:
		d.failed(r, ev.err)
	}
}

// abandon ends a transfer, or notes its end; the piece may be asked of others.
func (d *download) abandon(t *transfer) {
	t.dropped = true
	t.cancel()
	if d.inflight[t.piece] == t {
		delete(d.inflight, t.piece)
	}
}

// gain notes a piece that was stored. The first who wants it pays. If the
// transfer had been given up, the store may have lost the piece since.
func (d *download) gain(t *transfer, from who, gone bool) {
	if gone {
		d.refresh()
	} else {
		d.have.Set(t.piece)
	}
	d.moved = time.Now()
	for _, w := range d.wants {
		if d.known && w.covers(d.manifest, t.piece) {
			w.traffic[from.role] += d.manifest.PieceLen(t.piece)
			return
		}
	}
}

// storeError is trouble at home, for which no peer is to blame.
type storeError struct{ err error }

func (e *storeError) Error() string { return e.err.Error() }

// atHome marks errors of the own store, except the proof that a peer lied.
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
func (d *download) unavailable(w *want) error {
	missing := "its manifest is missing"
	if d.known {
		first, end := d.manifest.Covering(w.off, w.n)
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
