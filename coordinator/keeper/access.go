package keeper

import (
	"context"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

// MayRead says who may read a blob here. Workers may read only what a job that
// is not finished names as bundle, input, index or data, so that nobody can copy
// a result; anything else is to them as if it were not here.
func (k *Keeper) MayRead(ctx context.Context, id blob.ID) bool {
	peer, err := identity.FromContext(ctx)
	if err != nil {
		return false
	}
	switch peer.Role {
	case jobs.Coordinator, jobs.Submitter, jobs.Operator:
		return true
	case jobs.Worker:
		return k.isInput(id)
	}
	return false
}

// isInput says whether a blob belongs to an unfinished job: what workers may
// read here. Results they may not.
func (k *Keeper) isInput(id blob.ID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.inputs[id] > 0
}
