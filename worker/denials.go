package worker

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/denylist"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// denyEvery is how often the worker looks at its donor's deny list, and asks for the
// grid's again where it could not have it.
const denyEvery = time.Second

// denials are the blobs that the worker keeps away from: those on its donor's list, and
// those on the grid's that it does not except. Nobody changes one.
type denials struct {
	own      *denylist.List
	grid     map[jobs.DenyKey]bool
	revision uint64 // of the grid's list
}

func (d *denials) none() bool { return d.own.Len() == 0 && len(d.grid) == 0 }

func (d *denials) denies(id blob.ID) bool {
	if d.none() {
		return false
	}
	key := jobs.DenyKeyOf(id)
	if denied, said := d.own.Rule(key); said {
		return denied
	}
	return d.grid[key]
}

// denying keeps the lists up to date and holds the worker to them.
type denying struct {
	now  atomic.Pointer[denials]
	file *denylist.File // nil: the donor has no list; the loop's own after start
	told atomic.Uint64  // the revision of the grid's list, as coordinators say
}

// startDenying reads the donor's list. What is not to be here goes before anything is
// served.
func (w *Worker) startDenying() error {
	d := &denials{own: &denylist.List{}}
	if path := w.cfg.DenyList; path != "" {
		file, faults, err := denylist.Open(path)
		if err != nil {
			return fmt.Errorf("worker: %w", err)
		}
		w.tellFaults(faults)
		w.denying.file, d.own = file, file.List()
	}
	w.denying.now.Store(&denials{own: &denylist.List{}})
	w.heed(d)
	return nil
}

// watchDenyLists looks at both lists until ctx ends.
func (w *Worker) watchDenyLists(ctx context.Context) {
	broken := "" // why the donor's list could not be read the last time
	for ctx.Err() == nil {
		if file := w.denying.file; file != nil {
			changed, faults, err := file.Look()
			switch {
			case err != nil && err.Error() != broken:
				w.cfg.Logger.Error("failed to read the deny list: it stays as it was", "error", err)
			case changed:
				w.tellFaults(faults)
				next := *w.denying.now.Load()
				next.own = file.List()
				w.heed(&next)
			}
			broken = fmt.Sprint(err)
		}
		if revision := w.denying.told.Load(); w.cfg.FollowDenyList && revision != w.denying.now.Load().revision {
			w.followGrid(ctx)
		}
		sleep(ctx, denyEvery)
	}
}

func (w *Worker) tellFaults(faults []denylist.Fault) {
	for _, f := range faults {
		w.cfg.Logger.Warn("deny list: a line is not understood, and does not count", "file", w.cfg.DenyList, "line", f.Line, "why", f.Why)
	}
}

// followGrid gets the grid's list.
func (w *Worker) followGrid(ctx context.Context) {
	keys, revision, err := w.gridDenyList(ctx)
	if err != nil {
		w.cfg.Logger.Debug("failed to get the grid's deny list", "error", err)
		return
	}
	next := *w.denying.now.Load()
	next.grid, next.revision = keys, revision
	w.heed(&next)
}

// errListMoved is of a list that changed between two of its pages.
var errListMoved = errors.New("it changed meanwhile")

func (w *Worker) gridDenyList(ctx context.Context) (keys map[jobs.DenyKey]bool, revision uint64, err error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	keys = map[jobs.DenyKey]bool{}
	req := &anthillv1.GetDenyListRequest{}
	for {
		resp, err := w.work.GetDenyList(ctx, req)
		if err != nil {
			return nil, 0, err
		}
		if len(req.GetAfter()) > 0 && revision != resp.GetRevision() {
			return nil, 0, errListMoved
		}
		revision = resp.GetRevision()
		for raw := resp.GetKeys(); len(raw) >= 32; raw = raw[32:] {
			req.After = raw[:32]
			keys[jobs.DenyKey(hex.EncodeToString(raw[:32]))] = true
		}
		switch {
		case !resp.GetMore():
			return keys, revision, nil
		case len(keys) > jobs.MaxDenied:
			return nil, 0, errors.New("it has no end")
		}
	}
}

// heed has the worker keep to a list from now on: what reads a blob on it is declined,
// also what runs, and the blobs go.
func (w *Worker) heed(d *denials) {
	w.denying.now.Store(d)
	for _, lease := range w.leases.withdraw(func(l *anthillv1.Lease) bool { return w.deniedIn(l) != nil }) {
		w.decline(lease, w.deniedIn(lease))
	}
	w.shared.drop(d.denies)
	barred := d.denies
	if d.none() {
		barred = nil
	}
	gone, err := w.base.Store.Bar(barred)
	if err != nil {
		w.cfg.Logger.Error("failed to remove what is on the deny list", "error", err)
	}
	if !d.none() {
		w.cfg.Logger.Info("keeping to deny lists", "own", d.own.Len(), "grid", len(d.grid), "removed", gone)
	}
}

// deniedIn says which of the blobs that a lease needs is denied, or nil.
func (w *Worker) deniedIn(lease *anthillv1.Lease) error {
	d := w.denying.now.Load()
	if d == nil || d.none() {
		return nil
	}
	spec, err := wire.SpecFromProto(lease.GetSpec())
	if err != nil {
		return nil // it is looked at when it is prepared
	}
	for _, ref := range spec.Blobs() {
		if d.denies(ref.ID) {
			return fmt.Errorf("%w: blob %s is on a deny list", errDeclined, ref.ID.Short())
		}
	}
	return nil
}
