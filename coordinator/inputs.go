package coordinator

import (
	"context"
	"errors"
	"sync"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/worker/sandbox/screen"
)

// keepInputs starts copying the blobs of new jobs, and lets those of finished
// ones go.
func (k *keeper) keepInputs(ctx context.Context, copies *sync.WaitGroup) {
	running := map[jobs.JobID]*jobs.Job{}
	k.replica.View(func(s *jobs.State) {
		for _, id := range s.Running() {
			running[id] = &jobs.Job{Spec: s.Jobs[id].Spec, Provider: s.Jobs[id].Provider}
		}
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, j := range running {
		if k.taken[id] == nil {
			jobCtx, cancel := context.WithCancel(ctx)
			k.taken[id] = cancel
			k.count(j.Spec.Blobs(), 1)
			copies.Go(func() { k.copyInput(jobCtx, id, j) })
		}
	}
	k.release(running)
}

// count pins or unpins the blobs of a job. It is called with mu held.
func (k *keeper) count(refs []blob.Ref, by int) {
	for _, r := range refs {
		k.inputs[r.ID] += by
		if by > 0 {
			k.store.Pin(r.ID)
		} else {
			k.store.Unpin(r.ID)
		}
		if k.inputs[r.ID] == 0 {
			delete(k.inputs, r.ID)
		}
	}
}

// release lets the blobs of finished jobs go. It is called with mu held.
func (k *keeper) release(running map[jobs.JobID]*jobs.Job) {
	for id, cancel := range k.taken {
		if running[id] != nil {
			continue
		}
		cancel()
		delete(k.taken, id)
		k.replica.View(func(s *jobs.State) {
			if j := s.Jobs[id]; j != nil {
				k.count(j.Spec.Blobs(), -1)
			}
		})
	}
}

// isInput says whether a blob belongs to an unfinished job: what workers may
// read here. Results they may not.
func (k *keeper) isInput(id blob.ID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.inputs[id] > 0
}

// copyInput gets a job's blobs and confirms them, again and again until that
// succeeds or ctx ends, with the job at the latest.
func (k *keeper) copyInput(ctx context.Context, id jobs.JobID, j *jobs.Job) {
	for ctx.Err() == nil {
		err := k.copyBlobs(ctx, j)
		if err == nil {
			err = k.confirmInput(ctx, id, j)
		}
		if err == nil {
			return
		}
		k.logger.Debug("copy input", "job", id, "error", err)
		sleep(ctx, keepRetry)
	}
}

// confirmInput says that the job's blobs are here or, if no worker would run its
// bundle, that it has failed.
func (k *keeper) confirmInput(ctx context.Context, id jobs.JobID, j *jobs.Job) error {
	held := jobs.ConfirmHeld{Coordinator: k.node, Inputs: []jobs.JobID{id}}
	err := k.screen(j.Spec)
	var refusal *screen.Refusal
	if errors.As(err, &refusal) {
		held.Refused = []jobs.RefusedJob{{Job: id, Reason: refusal.Error()}}
	} else if err != nil {
		return err
	}
	return k.confirm(ctx, held)
}

// screen looks at a job's bundle, which is here.
func (k *keeper) screen(spec jobs.Spec) error {
	module, err := k.store.ReadRange(spec.Bundle.ID, 0, min(spec.Bundle.Size, screen.MaxSize+1))
	if err != nil {
		return err
	}
	return screen.Check(module, screen.Options{
		Memory: spec.Limits.Memory, TrapUnknown: spec.UnknownImports == jobs.TrapUnknown,
	})
}

func (k *keeper) copyBlobs(ctx context.Context, j *jobs.Job) error {
	var providers []swarm.Provider
	if j.Provider != "" {
		providers = append(providers, swarm.Provider{Address: j.Provider, Role: jobs.Submitter})
	}
	for _, v := range k.replica.Voters() {
		if v.Node != k.node {
			providers = append(providers, swarm.Provider{Address: v.Address, Role: jobs.Coordinator})
		}
	}
	for _, r := range j.Spec.Blobs() {
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
