package keeper

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// flight is a fetch: of a large result, which may be that of several tasks, or of a batch
// of small ones.
type flight struct {
	origin  *origin
	errands []*errand
	blob    blob.ID   // of a large one
	batch   []blob.ID // of small ones
	come    int64     // of it, at the last look
	whole   int64     // of it, in whole pieces
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // once done is closed
}

func (f *flight) runs() bool {
	select {
	case <-f.done:
		return false
	default:
		return true
	}
}

// large says whether it is that of one large result.
func (f *flight) large() bool { return !f.blob.IsZero() }

// leave tells that an errand is over. A flight that nobody waits for ends; the pieces
// that came stay for whoever wants them next.
func (f *flight) leave(e *errand) {
	f.errands = slices.DeleteFunc(f.errands, func(other *errand) bool { return other == e })
	if len(f.errands) == 0 && f.large() {
		f.cancel()
	}
}

// fetchNext begins to fetch what is due of a job, as much as there is room for.
func (k *Keeper) fetchNext(ctx context.Context, id jobs.JobID) {
	c := k.courses[id]
	c.tidy()
	if !k.home.over() || !slices.ContainsFunc(c.open, (*errand).waits) {
		return
	}
	if err := k.cfg.Spent(); err != nil {
		k.trouble(err)
		return
	}
	list := k.choose(c)
	if len(list) == 0 {
		return
	}
	k.locate(ctx, list)
	batches := map[*origin][]*errand{}
	for _, e := range list {
		switch {
		case k.cfg.Store.Complete(e.output.ID):
			delete(k.smalls, e.output.ID)
			k.arrive(e)
		case isLarge(e.output):
			k.flyLarge(ctx, e)
		default:
			batches[e.origin] = append(batches[e.origin], e)
		}
	}
	for s, batch := range batches {
		k.flySmall(ctx, s, batch)
	}
}

// flyLarge has a large result fetched, unless that is being done.
func (k *Keeper) flyLarge(ctx context.Context, e *errand) {
	if f := k.copies[e.output.ID]; f != nil {
		f.errands, e.flight = append(f.errands, e), f
		return
	}
	here := k.present(e.output.ID)
	f := &flight{origin: e.origin, errands: []*errand{e}, blob: e.output.ID, come: here, whole: here, done: make(chan struct{})}
	ctx, f.cancel = context.WithCancel(ctx)
	k.copies[e.output.ID] = f
	e.origin.large++
	w := e.wanted
	k.begin(f, func() error { return k.copyLarge(ctx, w) })
}

// flySmall has a batch of small results fetched.
func (k *Keeper) flySmall(ctx context.Context, s *origin, batch []*errand) {
	f := &flight{origin: s, errands: batch, done: make(chan struct{}), cancel: func() {}}
	s.batches++
	var list []wanted
	for _, e := range batch {
		list, f.batch = append(list, e.wanted), append(f.batch, e.output.ID)
	}
	k.begin(f, func() error { return k.copySmall(ctx, list) })
}

// begin fetches beside all else. The end of it is seen to at the next step.
func (k *Keeper) begin(f *flight, fetch func() error) {
	for _, e := range f.errands {
		e.flight = f
	}
	k.flights = append(k.flights, f)
	k.copiers.Go(func() {
		defer wake(k.landed)
		defer close(f.done)
		defer f.cancel()
		f.err = fetch()
	})
}

func wake(news chan<- struct{}) {
	select {
	case news <- struct{}{}:
	default:
	}
}

// settle sees to the flights that have ended.
func (k *Keeper) settle() {
	k.flights = slices.DeleteFunc(k.flights, func(f *flight) bool {
		if f.runs() {
			return false
		}
		k.land(f)
		return true
	})
}

// land notes what a flight has brought.
func (k *Keeper) land(f *flight) {
	if f.large() {
		delete(k.copies, f.blob)
		f.origin.large--
	} else {
		f.origin.batches--
		for _, id := range f.batch {
			delete(k.smalls, id)
		}
	}
	athome := f.err != nil && !away(f.err)
	if athome && len(f.errands) > 0 {
		k.trouble(f.err)
	}
	brought := false
	for _, e := range f.errands {
		e.flight = nil
		if !athome && k.cfg.Store.Complete(e.output.ID) {
			brought = true
			k.arrive(e)
			continue
		}
		if e.come = k.present(e.output.ID); !athome {
			e.missed(f.err)
		}
	}
	k.credit(f)
	switch {
	case brought:
		f.origin.succeeded()
	case !athome && len(f.errands) > 0:
		f.origin.failed(f.err)
	}
}

// credit counts for its origin what a flight has brought since the last look: what broke
// off with the flight was in vain.
func (k *Keeper) credit(f *flight) {
	if f.large() {
		here := k.present(f.blob)
		f.reached(here, here)
		return
	}
	for _, e := range f.errands {
		if e.here {
			f.origin.gave(e.output.Size)
			f.origin.moved = time.Now()
		}
	}
}

// reached notes how many bytes of a large result have come, and how many of these in whole
// pieces.
func (f *flight) reached(come, whole int64) {
	f.origin.gave(come - f.come)
	if whole > f.whole {
		f.origin.moved = time.Now()
	}
	f.come, f.whole = come, whole
}

// present is how many bytes of a blob are here.
func (k *Keeper) present(id blob.ID) (n int64) {
	m, have, err := k.cfg.Store.Have(id)
	if err != nil {
		return 0
	}
	for i := range m.Pieces {
		if have.Has(i) {
			n += m.PieceLen(i)
		}
	}
	return n
}

// arrive notes that a result is here.
func (k *Keeper) arrive(e *errand) {
	k.keep(e.job, e.place, e.output.ID)
	e.here, e.come = true, e.output.Size
	k.here = append(k.here, e)
	k.home = backoff{}
}

// trouble notes that this coordinator itself could not copy results: its disk fails, or
// its line may carry no more. Nobody that was asked is to blame, and what was lacked in
// the meantime counts for nothing.
func (k *Keeper) trouble(err error) {
	if errors.Is(err, swarm.ErrClosed) {
		return // so is this coordinator
	}
	k.failed("copy results", err, true)
	k.home.wait(retryAfter(err, k.home.pause))
	k.excuse()
}
