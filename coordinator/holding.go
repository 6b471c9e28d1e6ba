package coordinator

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// repairEvery is how often the keeper looks whether it still has what it
// confirmed.
const repairEvery = 2 * time.Second

// hold copies the blobs of a charge and confirms them, and copies again what has
// fallen away since (a disk rots), until ctx ends.
func (k *keeper) hold(ctx context.Context, c charge, h *holding) {
	var pause time.Duration
	for ctx.Err() == nil {
		wait := repairEvery
		if err := k.bring(ctx, c, h); ctx.Err() != nil {
			return
		} else if err != nil {
			k.failed("copy input", err, k.confirmed(c), "job", c.job, "blob", c.kept.Short())
			pause = retryAfter(err, pause)
			wait = pause
		} else {
			pause = 0
		}
		select {
		case <-time.After(wait):
		case <-h.again:
			pause = 0
		case <-ctx.Done():
		}
	}
}

// retryAfter is how long to leave alone what could not be copied, the longer the
// longer it was left alone before. A full disk does not get better soon.
func retryAfter(err error, before time.Duration) time.Duration {
	if errors.Is(err, blobstore.ErrFull) {
		return keepRetryMax
	}
	return min(max(2*before, keepRetry), keepRetryMax)
}

// bring makes sure that a charge is here, and that the state knows it.
func (k *keeper) bring(ctx context.Context, c charge, h *holding) error {
	here := k.complete(h)
	if here && k.confirmed(c) {
		return nil
	}
	if c.job == "" && !here {
		owner, err := k.slots.take(ctx, h.again, func() []jobs.OwnerID { return k.claimers(c.kept) })
		if err != nil {
			return err
		}
		defer k.slots.release(owner)
	}
	blobs, providers := k.sources(c)
	if err := k.look(ctx, c, blobs, providers); err != nil {
		return err
	}
	if err := k.copyBlobs(ctx, blobs, providers); err != nil || k.confirmed(c) {
		return err
	}
	return k.confirmCharge(ctx, c)
}

// complete tells whether all blobs of a charge are here.
func (k *keeper) complete(h *holding) bool {
	return !slices.ContainsFunc(h.blobs, func(r blob.Ref) bool { return !k.store.Complete(r.ID) })
}

// claimers are the owners who want a dataset kept.
func (k *keeper) claimers(id blob.ID) (list []jobs.OwnerID) {
	k.replica.View(func(s *jobs.State) {
		if b := s.Blobs[id]; b != nil {
			list = b.Owners()
		}
	})
	return list
}

// confirmCharge says that a charge is here or, where it is a job whose bundle no
// worker would run, that the job has failed.
func (k *keeper) confirmCharge(ctx context.Context, c charge) error {
	if c.job == "" {
		return k.confirm(ctx, jobs.ConfirmHeld{Coordinator: k.node, Blobs: []blob.ID{c.kept}})
	}
	held := jobs.ConfirmHeld{Coordinator: k.node, Inputs: []jobs.JobID{c.job}}
	err := k.screen(c.job)
	var refusal *screen.Refusal
	if errors.As(err, &refusal) {
		held.Refused = []jobs.RefusedJob{{Job: c.job, Reason: "bundle: " + refusal.Error()}}
	} else if err != nil {
		return err
	}
	return k.confirm(ctx, held)
}

// screen looks at a job's bundle, which is here.
func (k *keeper) screen(id jobs.JobID) error {
	var spec jobs.Spec
	k.replica.View(func(s *jobs.State) { spec = s.Jobs[id].Spec })
	module, err := k.store.ReadRange(spec.Bundle.ID, 0, min(spec.Bundle.Size, screen.MaxSize+1))
	if err != nil {
		return err
	}
	return screen.Check(module, screen.Options{
		Memory: spec.Limits.Memory, TrapUnknown: spec.UnknownImports == jobs.TrapUnknown,
	})
}

// confirmed tells whether the state knows that this coordinator holds a charge.
func (k *keeper) confirmed(c charge) (yes bool) {
	k.replica.View(func(s *jobs.State) {
		if j := s.Jobs[c.job]; j != nil {
			yes = s.HoldsInput(j, k.node)
		} else if b := s.Blobs[c.kept]; b != nil {
			yes = s.HoldsBlob(b, k.node)
		}
	})
	return yes
}

// sources are the blobs of a charge, and who may have them: nothing, if it has just
// ended.
func (k *keeper) sources(c charge) (blobs []blob.Ref, providers []swarm.Provider) {
	var addresses []string
	k.replica.View(func(s *jobs.State) {
		if j := s.Jobs[c.job]; j != nil {
			blobs, addresses = j.Spec.Blobs(), []string{j.Provider}
		} else if b := s.Blobs[c.kept]; b != nil {
			blobs, addresses = []blob.Ref{{ID: c.kept, Size: b.Size}}, b.Providers()
		}
	})
	for _, address := range addresses {
		if address != "" {
			providers = append(providers, swarm.Provider{Address: address, Role: jobs.Submitter})
		}
	}
	for _, v := range k.replica.Voters() {
		if v.Node != k.node {
			providers = append(providers, swarm.Provider{Address: v.Address, Role: jobs.Coordinator})
		}
	}
	shuffle(providers) // not all may get their turn in one try
	return blobs, providers
}

func (k *keeper) copyBlobs(ctx context.Context, blobs []blob.Ref, providers []swarm.Provider) error {
	for _, r := range blobs {
		if k.store.Complete(r.ID) {
			continue
		}
		if _, err := k.swarm.Fetch(ctx, r.ID, 0, -1, providers); err != nil {
			return err
		}
		if err := k.store.Sync(r.ID); err != nil {
			return err
		}
	}
	return nil
}
