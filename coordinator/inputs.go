package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	"github.com/anthill-grid/anthill/worker/sandbox/screen"
)

// repairEvery is how often the keeper looks whether it still has what it
// confirmed.
const repairEvery = 2 * time.Second

// charge is what the keeper is to hold for as long as the state says so: the
// blobs of a running job, or one that is kept for its own sake. Exactly one of
// job and kept is set.
type charge struct {
	job  jobs.JobID
	kept blob.ID
}

// holding is what the keeper does about a charge.
type holding struct {
	blobs     []blob.Ref
	input     bool     // workers may read them
	providers []string // who had them first, each HOST:PORT
	cancel    context.CancelFunc
}

// keepInputs starts copying the blobs of new jobs and new datasets, and lets
// those of finished jobs and dropped datasets go.
func (k *keeper) keepInputs(ctx context.Context, copies *sync.WaitGroup) {
	wanted := k.charges()
	k.mu.Lock()
	defer k.mu.Unlock()
	for c, h := range wanted {
		if k.taken[c] == nil {
			var chargeCtx context.Context
			chargeCtx, h.cancel = context.WithCancel(ctx)
			k.taken[c] = h
			k.count(h, 1)
			copies.Go(func() { k.hold(chargeCtx, c) })
		}
		k.taken[c].providers = h.providers // who puts a blob again may be elsewhere
	}
	for c, h := range k.taken {
		if wanted[c] == nil {
			h.cancel()
			delete(k.taken, c)
			k.count(h, -1)
		}
	}
}

// charges are all that the state says is to be held.
func (k *keeper) charges() map[charge]*holding {
	wanted := map[charge]*holding{}
	k.replica.View(func(s *jobs.State) {
		for _, id := range s.Running() {
			j := s.Jobs[id]
			wanted[charge{job: id}] = &holding{blobs: j.Spec.Blobs(), input: true, providers: []string{j.Provider}}
		}
		for id, b := range s.Blobs {
			wanted[charge{kept: id}] = &holding{blobs: []blob.Ref{{ID: id, Size: b.Size}}, providers: b.Providers()}
		}
	})
	return wanted
}

// count pins or unpins blobs. It is called with mu held.
func (k *keeper) count(h *holding, by int) {
	for _, r := range h.blobs {
		if by > 0 {
			k.store.Pin(r.ID)
		} else {
			k.store.Unpin(r.ID)
		}
		if !h.input {
			continue
		}
		if k.inputs[r.ID] += by; k.inputs[r.ID] == 0 {
			delete(k.inputs, r.ID)
		}
	}
}

// isInput says whether a blob belongs to an unfinished job: what workers may
// read here. Results they may not.
func (k *keeper) isInput(id blob.ID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.inputs[id] > 0
}

// holds says whether a blob is one of a running job's inputs or a dataset.
func (k *keeper) holds(id blob.ID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, h := range k.taken {
		if slices.ContainsFunc(h.blobs, func(r blob.Ref) bool { return r.ID == id }) {
			return true
		}
	}
	return false
}

// hold copies the blobs of a charge and confirms them, and copies again what has
// fallen away since (a disk rots), until ctx ends.
func (k *keeper) hold(ctx context.Context, c charge) {
	for ctx.Err() == nil {
		err := k.look(ctx, c)
		if err == nil {
			err = k.copyBlobs(ctx, c)
		}
		if err == nil && !k.confirmed(c) {
			err = k.confirmCharge(ctx, c)
		}
		if err != nil {
			k.failed("copy input", err, "job", c.job, "blob", c.kept.Short())
			sleep(ctx, retryAfter(err))
			continue
		}
		sleep(ctx, repairEvery)
	}
}

// retryAfter is how long to leave alone what could not be copied: a full disk does
// not get better soon.
func retryAfter(err error) time.Duration {
	if errors.Is(err, blobstore.ErrFull) {
		return keepRetryMax
	}
	return keepRetry
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

// look gets the manifests of a charge's blobs, and says what comes of sizes that
// are not what was claimed before anything is copied: they decide how much room is
// needed, and where tasks begin and end.
func (k *keeper) look(ctx context.Context, c charge) error {
	blobs, providers, err := k.sources(c)
	if err != nil {
		return err
	}
	for _, r := range blobs {
		if _, err := k.swarm.Fetch(ctx, r.ID, 0, 0, providers); err != nil {
			return err
		}
		m, err := k.store.Manifest(r.ID)
		if err != nil {
			return err
		}
		if err := k.checkSize(ctx, c, r, m.Size); err != nil {
			return err
		}
	}
	return nil
}

// errWrongSize: the charge, or a claim of it, ends once the state has heard of it.
var errWrongSize = errors.New("it is not of the size that was said")

// checkSize tells the state how large a dataset is, and fails a job that says
// otherwise of what it reads.
func (k *keeper) checkSize(ctx context.Context, c charge, r blob.Ref, size int64) error {
	held := jobs.ConfirmHeld{Coordinator: k.node}
	switch {
	case c.job == "" && !k.knowsSize(c.kept):
		held.Sizes = []blob.Ref{{ID: r.ID, Size: size}}
	case c.job != "" && r.Size != size:
		reason := fmt.Sprintf("blob %s: it has %d bytes, and the job says %d", r.ID.Short(), size, r.Size)
		held.Refused = []jobs.RefusedJob{{Job: c.job, Reason: reason}}
	default:
		return nil
	}
	if err := k.confirm(ctx, held); err != nil {
		return err
	}
	if r.Size != size {
		return fmt.Errorf("blob %s: %w: %d bytes, not %d", r.ID.Short(), errWrongSize, size, r.Size)
	}
	return nil
}

// knowsSize tells whether the state has a dataset's true size.
func (k *keeper) knowsSize(id blob.ID) (yes bool) {
	k.replica.View(func(s *jobs.State) { yes = s.Blobs[id] != nil && s.Blobs[id].Known })
	return yes
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

// sources are the blobs of a charge, and who may have them.
func (k *keeper) sources(c charge) ([]blob.Ref, []swarm.Provider, error) {
	k.mu.Lock()
	h := k.taken[c]
	if h == nil {
		k.mu.Unlock()
		return nil, nil, context.Canceled
	}
	blobs, addresses := h.blobs, h.providers
	k.mu.Unlock()
	var providers []swarm.Provider
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
	return blobs, providers, nil
}

func (k *keeper) copyBlobs(ctx context.Context, c charge) error {
	blobs, providers, err := k.sources(c)
	if err != nil {
		return err
	}
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
