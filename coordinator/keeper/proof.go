package keeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// proofTime is how long a proof may take, and proofsAtOnce how many are under way.
	proofTime    = 2 * time.Minute
	proofsAtOnce = 8
	// proofLook is how often a coordinator that does not lead looks whether it does.
	proofLook = time.Second
)

// proof is what has to be proved: that a node has a blob which its owner has named and
// could not read.
type proof struct {
	blob blob.ID
	from swarm.Provider
	of   jobs.ProvenBlobs
}

// prove has those who named blobs that they could not read prove that they have them,
// before the blobs are theirs in any way: not even whether they are here may show. The
// leader asks, and the others wait for what comes of it. It returns nil once somebody has
// a right to the charge.
func (k *Keeper) prove(ctx context.Context, c charge) error {
	for {
		changed := k.cfg.Replica.Changed()
		open, free := k.unproven(c)
		if len(open) == 0 || free && !k.cfg.Leads() {
			return nil
		}
		if k.cfg.Leads() {
			if err := k.demand(ctx, open); err != nil && !free {
				return err
			}
			return nil
		}
		select {
		case <-changed:
		case <-time.After(proofLook):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// unproven is what is to be proved of a charge. It is free where somebody has a right to
// it meanwhile.
func (k *Keeper) unproven(c charge) (open []proof, free bool) {
	k.cfg.Replica.View(func(s *jobs.State) {
		if j := s.Jobs[c.job]; j != nil {
			open = proofsOf(c.job, j)
			return
		}
		d := s.Datasets[c.dataset]
		if d == nil {
			return
		}
		free = d.Proven()
		for _, claim := range d.Claims {
			if claim.Unproven {
				open = append(open, proof{
					blob: c.dataset, of: jobs.ProvenBlobs{Owner: claim.Owner, Blobs: []blob.ID{c.dataset}},
					from: swarm.Provider{Address: claim.Provider, Role: jobs.Submitter, Node: claim.Node},
				})
			}
		}
	})
	return open, free
}

func proofsOf(id jobs.JobID, j *jobs.Job) (open []proof) {
	for _, b := range j.Unproven {
		open = append(open, proof{
			blob: b, of: jobs.ProvenBlobs{Job: id, Blobs: []blob.ID{b}},
			from: swarm.Provider{Address: j.Provider, Role: jobs.Submitter, Node: j.Submitter},
		})
	}
	return open
}

// demand asks for proofs, and tells the state of those that were given.
func (k *Keeper) demand(ctx context.Context, list []proof) error {
	ctx, cancel := context.WithTimeout(ctx, proofTime)
	defer cancel()
	var mu sync.Mutex
	var errs []error
	var given []jobs.ProvenBlobs
	var all sync.WaitGroup
	places := make(chan struct{}, proofsAtOnce)
	for _, p := range list {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			err := errors.New("its submitter serves nothing")
			if p.from.Address != "" {
				err = k.cfg.Swarm.Prove(ctx, p.blob, p.from)
			}
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				errs = append(errs, fmt.Errorf("%w: %w", swarm.ErrUnavailable, err))
				return
			}
			given = append(given, p.of)
		})
	}
	all.Wait()
	if len(given) > 0 {
		errs = append(errs, k.cfg.Confirm(ctx, jobs.ConfirmHeld{Coordinator: k.cfg.Node, Proven: given}))
	}
	return errors.Join(errs...)
}
