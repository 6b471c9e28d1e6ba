package keeper

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// repairEvery is how often the keeper looks whether it still has what it
// confirmed.
const repairEvery = 2 * time.Second

// hold copies the blobs of a charge and confirms them, and copies again what has
// fallen away since (a disk rots), until ctx ends.
func (k *Keeper) hold(ctx context.Context, c charge, h *holding) {
	var pause time.Duration
	for ctx.Err() == nil {
		wait := repairEvery
		err := k.bring(ctx, c, h)
		if ctx.Err() != nil {
			return
		}
		if k.noteTrouble(h, err); err != nil {
			k.failed("copy input", err, k.confirmed(c), "job", c.job, "blob", c.dataset.Short())
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

// bring makes sure that a charge is here, and that the state knows it.
func (k *Keeper) bring(ctx context.Context, c charge, h *holding) error {
	if err := k.prove(ctx, c); err != nil {
		return err
	}
	here := k.complete(h)
	if here && k.confirmed(c) {
		return nil
	}
	if c.job == "" && !here {
		owner, err := k.turns.take(ctx, h.again, func() []jobs.OwnerID { return k.claimers(c.dataset) })
		if err != nil {
			return err
		}
		defer k.turns.release(owner)
	}
	blobs, providers := k.sources(c)
	if err := k.look(ctx, c, blobs, providers); err != nil {
		return err
	}
	if err := k.copyCharge(ctx, c, h, blobs, providers); err != nil || k.confirmed(c) {
		return err
	}
	return k.confirmCharge(ctx, c)
}

func (k *Keeper) copyCharge(ctx context.Context, c charge, h *holding, blobs []blob.Ref, providers []swarm.Provider) error {
	if c.job != "" {
		return k.copyJob(ctx, c, h, providers)
	}
	return k.copyBlobs(ctx, blobs, providers)
}

// complete tells whether all blobs of a charge are here.
func (k *Keeper) complete(h *holding) bool {
	return !slices.ContainsFunc(h.blobs, func(r blob.Ref) bool { return !k.cfg.Store.Complete(r.ID) })
}

// claimers are the owners who want a dataset kept.
func (k *Keeper) claimers(id blob.ID) (list []jobs.OwnerID) {
	k.cfg.Replica.View(func(s *jobs.State) {
		if b := s.Datasets[id]; b != nil {
			list = b.Owners()
		}
	})
	return list
}

// confirmCharge says that a charge is here.
func (k *Keeper) confirmCharge(ctx context.Context, c charge) error {
	if c.job == "" {
		return k.cfg.Confirm(ctx, jobs.ConfirmHeld{Coordinator: k.cfg.Node, Blobs: []blob.ID{c.dataset}})
	}
	return k.cfg.Confirm(ctx, jobs.ConfirmHeld{Coordinator: k.cfg.Node, Inputs: []jobs.JobID{c.job}})
}

// screen looks at a job's bundle, which is here.
func (k *Keeper) screen(spec jobs.Spec) error {
	module, err := k.cfg.Store.ReadRange(spec.Bundle.ID, 0, min(spec.Bundle.Size, screen.MaxSize+1))
	if err != nil {
		return err
	}
	return screen.Check(module, screen.Options{
		Memory: spec.Limits.Memory, TrapUnknown: spec.UnknownImports == jobs.TrapUnknown,
	})
}

// confirmed tells whether the state knows that this coordinator holds a charge.
func (k *Keeper) confirmed(c charge) (yes bool) {
	k.cfg.Replica.View(func(s *jobs.State) {
		if j := s.Jobs[c.job]; j != nil {
			yes = s.HoldsInput(j, k.cfg.Node)
		} else if b := s.Datasets[c.dataset]; b != nil {
			yes = s.HoldsDataset(b, k.cfg.Node)
		}
	})
	return yes
}

// sources are the blobs of a charge, and who may have them: nothing, if it has just
// ended.
func (k *Keeper) sources(c charge) (blobs []blob.Ref, providers []swarm.Provider) {
	var sources []jobs.Source
	k.cfg.Replica.View(func(s *jobs.State) {
		if j := s.Jobs[c.job]; j != nil {
			blobs, sources = j.Spec.Blobs(), []jobs.Source{{Node: j.Submitter, Address: j.Provider}}
		} else if b := s.Datasets[c.dataset]; b != nil {
			blobs, sources = []blob.Ref{{ID: c.dataset, Size: b.Size}}, b.Providers()
		}
	})
	for _, from := range sources {
		if from.Address != "" {
			providers = append(providers, swarm.Provider{Address: from.Address, Role: jobs.Submitter, Node: from.Node})
		}
	}
	for _, v := range k.cfg.Replica.Servers() {
		if v.Node != k.cfg.Node {
			providers = append(providers, swarm.Provider{Address: v.Address, Role: jobs.Coordinator, Node: v.Node})
		}
	}
	rand.Shuffle(len(providers), func(i, j int) { providers[i], providers[j] = providers[j], providers[i] }) // not all may get their turn in one try
	return blobs, providers
}

func (k *Keeper) copyBlobs(ctx context.Context, blobs []blob.Ref, providers []swarm.Provider) error {
	for _, r := range blobs {
		if k.cfg.Store.Complete(r.ID) {
			continue
		}
		if _, err := k.cfg.Swarm.Fetch(ctx, r.ID, 0, -1, providers); err != nil {
			return err
		}
		if err := k.cfg.Store.Sync(r.ID); err != nil {
			return err
		}
	}
	return nil
}
