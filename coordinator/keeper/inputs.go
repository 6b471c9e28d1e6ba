package keeper

import (
	"context"
	"errors"
	"math"
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// everything is above the place of every task.
const everything jobs.Place = math.MaxUint32

// errRefused: the job ends once the state has heard of it.
var errRefused = errors.New("no worker would run the bundle")

// copyJob brings a job's blobs here in the order in which its tasks need them: what each
// of them reads, and then the shards. That no worker would run the bundle is found out
// before the input has come. The labels come first: they are small, and wanted also after
// a job that has failed at once.
func (k *Keeper) copyJob(ctx context.Context, c charge, h *holding, providers []swarm.Provider) error {
	j, ok := k.job(c.job)
	if !ok {
		return nil
	}
	if err := k.copyBlobs(ctx, append(j.Spec.Labels(), j.Spec.ReadByAll()...), providers); err != nil {
		return err
	}
	if err := k.screenOnce(ctx, c, h, j.Spec); err != nil {
		return err
	}
	if j.Spec.Input.Blob == nil {
		k.setReady(h, everything)
		return nil
	}
	return k.copyShards(ctx, h, j, providers)
}

// job is what never changes of a job; false if it is gone.
func (k *Keeper) job(id jobs.JobID) (fixed *jobs.Job, ok bool) {
	k.cfg.Replica.View(func(s *jobs.State) {
		if j := s.Jobs[id]; j != nil {
			fixed, ok = &jobs.Job{Spec: j.Spec, Seed: j.Seed}, true
		}
	})
	return fixed, ok
}

// screenOnce fails a job whose bundle no worker would run.
func (k *Keeper) screenOnce(ctx context.Context, c charge, h *holding, spec jobs.Spec) error {
	if h.screened {
		return nil
	}
	err := k.screen(spec)
	var refused *refusal.Error
	if errors.As(err, &refused) {
		over := jobs.RefusedJob{Job: c.job, Reason: "bundle: " + refused.Error()}
		return errors.Join(errRefused, k.cfg.Confirm(ctx, jobs.ConfirmHeld{Coordinator: k.cfg.Node, Refused: []jobs.RefusedJob{over}}))
	}
	h.screened = err == nil
	return err
}

// copyShards brings the input here: while this coordinator leads, and so gives out tasks,
// in the order in which they are opened. Others take what comes, so that not all of them
// ask the submitter for the same.
func (k *Keeper) copyShards(ctx context.Context, h *holding, j *jobs.Job, providers []swarm.Provider) error {
	input := j.Spec.Input.Blob.Blob
	for !k.cfg.Store.Complete(input.ID) {
		w, err := k.newWalk(j)
		if err != nil {
			return err
		}
		if k.cfg.Leads() && w != nil {
			err = k.copyInOrder(ctx, h, w, providers)
		} else {
			err = k.copyAnyhow(ctx, input, providers)
		}
		if err != nil {
			return err
		}
	}
	if err := k.cfg.Store.Sync(input.ID); err != nil {
		return err
	}
	k.setReady(h, everything)
	return nil
}

// copyAnyhow fetches a blob in any order, until this coordinator leads or leads no more.
func (k *Keeper) copyAnyhow(ctx context.Context, r blob.Ref, providers []swarm.Provider) error {
	leads := k.cfg.Leads()
	fetch, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		for fetch.Err() == nil && k.cfg.Leads() == leads {
			sleep(fetch, leadsEvery)
		}
		cancel()
	}()
	_, err := k.cfg.Swarm.Fetch(fetch, r.ID, 0, -1, providers)
	if err != nil && ctx.Err() == nil && fetch.Err() != nil {
		return nil
	}
	return err
}

// setReady notes below which place the tasks of a job can be run, and tells who gives
// them out.
func (k *Keeper) setReady(h *holding, ready jobs.Place) {
	k.mu.Lock()
	changed := h.ready != ready
	h.ready = ready
	k.mu.Unlock()
	if changed {
		k.cfg.Ready()
	}
}

// Ready is below which place a job's tasks can be run: a coordinator that is there has
// what they read. s is the state as it is now.
func (k *Keeper) Ready(s *jobs.State, id jobs.JobID) jobs.Place {
	j := s.Jobs[id]
	if j == nil || len(j.Unproven) > 0 {
		return 0
	}
	if slices.ContainsFunc(s.InputHolders(j), func(holder jobs.NodeID) bool { return holder == k.cfg.Node || k.lives(holder) }) {
		return everything
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if h := k.taken[charge{job: id}]; h != nil {
		return h.ready
	}
	return 0
}
