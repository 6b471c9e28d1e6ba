package keeper

import (
	"context"
	"slices"
	"sync"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// charge is what the keeper is to hold for as long as the state says so: the
// blobs of a running job, or a dataset. Exactly one of the two is set.
type charge struct {
	job     jobs.JobID
	dataset blob.ID
}

// holding is what the keeper does about a charge.
type holding struct {
	blobs  []blob.Ref
	cancel context.CancelFunc
	// again hears that a dataset was claimed again, at the time of claimed: it may be
	// found now where it was not before.
	again   chan struct{}
	claimed jobs.Time

	// screened: a job's bundle has passed. It belongs to the goroutine that holds.
	screened bool
	// ready is below which place the job's tasks can be run. The keeper's mutex guards
	// it, and the trouble.
	ready   jobs.Place
	trouble trouble
}

// wake has the goroutine that holds the charge look again at once.
func (h *holding) wake() {
	select {
	case h.again <- struct{}{}:
	default:
	}
}

// keepJobs starts copying the blobs of new jobs, and lets those of finished jobs
// go.
func (k *Keeper) keepJobs(ctx context.Context, copies *sync.WaitGroup) {
	fresh, over := map[charge]*holding{}, []charge(nil)
	k.cfg.Replica.View(func(s *jobs.State) {
		for _, id := range s.Running() {
			if c := (charge{job: id}); k.taken[c] == nil {
				fresh[c] = &holding{blobs: s.Jobs[id].Spec.Blobs()}
			}
		}
		for c := range k.taken {
			if j := s.Jobs[c.job]; c.job != "" && (j == nil || j.State != jobs.JobRunning) {
				over = append(over, c)
			}
		}
	})
	k.change(ctx, copies, fresh, over)
	k.keepEstates()
}

// keepDatasets starts copying new datasets, lets those go that were dropped, and has
// those looked for at once that were claimed again.
func (k *Keeper) keepDatasets(ctx context.Context, copies *sync.WaitGroup) {
	fresh, over := map[charge]*holding{}, []charge(nil)
	k.cfg.Replica.View(func(s *jobs.State) {
		for id, b := range s.Datasets {
			c, claimed := charge{dataset: id}, b.Claimed()
			if h := k.taken[c]; h == nil {
				fresh[c] = &holding{blobs: []blob.Ref{{ID: id, Size: b.Size}}, again: make(chan struct{}, 1), claimed: claimed}
			} else if h.claimed < claimed {
				h.claimed = claimed
				h.wake()
			}
		}
		for c := range k.taken {
			if c.job == "" && s.Datasets[c.dataset] == nil {
				over = append(over, c)
			}
		}
	})
	k.change(ctx, copies, fresh, over)
}

// change takes and gives up charges. Goroutines other than that of Run only read
// what is taken.
func (k *Keeper) change(ctx context.Context, copies *sync.WaitGroup, fresh map[charge]*holding, over []charge) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for c, h := range fresh {
		var chargeCtx context.Context
		chargeCtx, h.cancel = context.WithCancel(ctx)
		k.taken[c] = h
		k.count(h, 1)
		copies.Go(func() { k.hold(chargeCtx, c, h) })
	}
	for _, c := range over {
		h := k.taken[c]
		h.cancel()
		delete(k.taken, c)
		k.count(h, -1)
	}
}

// count pins or unpins blobs. It is called with mu held.
func (k *Keeper) count(h *holding, by int) {
	for _, r := range h.blobs {
		if by > 0 {
			k.cfg.Store.Pin(r.ID)
		} else {
			k.cfg.Store.Unpin(r.ID)
		}
	}
}

// Holds says whether a blob is one of a running job's inputs or a dataset.
func (k *Keeper) Holds(id blob.ID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.taken {
		if slices.ContainsFunc(h.blobs, func(r blob.Ref) bool { return r.ID == id }) {
			return true
		}
	}
	return false
}
