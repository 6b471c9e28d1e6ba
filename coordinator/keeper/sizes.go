package keeper

import (
	"context"
	"errors"
	"fmt"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// look gets the manifests of a charge's blobs, and says what comes of sizes that
// are not what was claimed before anything is copied: they decide how much space is
// needed, and where tasks begin and end.
func (k *Keeper) look(ctx context.Context, c charge, blobs []blob.Ref, providers []swarm.Provider) error {
	for _, r := range blobs {
		m, err := k.manifest(ctx, r.ID, providers)
		if err != nil {
			return err
		}
		if err := k.checkSize(ctx, c, r, m.Size); err != nil {
			return err
		}
	}
	return nil
}

// manifest gets a blob's manifest, and nothing else of it.
func (k *Keeper) manifest(ctx context.Context, id blob.ID, providers []swarm.Provider) (blob.Manifest, error) {
	if _, err := k.cfg.Swarm.Fetch(ctx, id, 0, 0, providers); err != nil {
		return blob.Manifest{}, err
	}
	return k.cfg.Store.Manifest(id)
}

// errWrongSize: the charge, or a claim of it, ends once the state has heard of it; a
// result is as good as missing.
var errWrongSize = errors.New("it is not of the size that was said")

// checkSize tells the state how large a dataset is, and fails a job that says
// otherwise of what it reads.
func (k *Keeper) checkSize(ctx context.Context, c charge, r blob.Ref, size int64) error {
	held := jobs.ConfirmHeld{Coordinator: k.cfg.Node}
	switch {
	case c.job == "" && !k.knowsSize(c.dataset):
		held.Sizes = []blob.Ref{{ID: r.ID, Size: size}}
	case c.job != "" && r.Size != size:
		reason := fmt.Sprintf("blob %s: it has %d bytes, and the job says %d", r.ID.Short(), size, r.Size)
		held.Refused = []jobs.RefusedJob{{Job: c.job, Reason: reason}}
	default:
		return nil
	}
	if err := k.cfg.Confirm(ctx, held); err != nil {
		return err
	}
	if r.Size != size {
		return fmt.Errorf("blob %s: %w: %d bytes, not %d", r.ID.Short(), errWrongSize, size, r.Size)
	}
	return nil
}

// knowsSize tells whether the state has a dataset's true size.
func (k *Keeper) knowsSize(id blob.ID) (yes bool) {
	k.cfg.Replica.View(func(s *jobs.State) { yes = s.Datasets[id] != nil && s.Datasets[id].Known })
	return yes
}
