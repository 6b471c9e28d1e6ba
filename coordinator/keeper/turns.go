package keeper

import (
	"context"
	"sync"

	"github.com/anthill-grid/anthill/jobs"
)

// turnsPerOwner is how many datasets are copied at a time for one owner: an owner that
// claims thousands that nobody serves holds up only its own.
const turnsPerOwner = 4

// turns are the owners' turns at copying datasets.
type turns struct {
	mu    sync.Mutex
	busy  map[jobs.OwnerID]int
	freed chan struct{} // closed when any is released
}

func newTurns() *turns {
	return &turns{busy: map[jobs.OwnerID]int{}, freed: make(chan struct{})}
}

// take waits for a turn of any of a dataset's claimers, and returns whose it is. The
// claimers are asked for once more when again says so.
func (t *turns) take(ctx context.Context, again <-chan struct{}, claimers func() []jobs.OwnerID) (jobs.OwnerID, error) {
	owners := claimers()
	for {
		owner, ok, freed := t.try(owners)
		if ok {
			return owner, nil
		}
		select {
		case <-freed:
		case <-again:
			owners = claimers()
		case <-ctx.Done():
			return "", ctx.Err()
		}
	}
}

// try takes a turn if there is one, and otherwise tells what to wait for.
func (t *turns) try(owners []jobs.OwnerID) (owner jobs.OwnerID, ok bool, freed <-chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, owner := range owners {
		if t.busy[owner] < turnsPerOwner {
			t.busy[owner]++
			return owner, true, nil
		}
	}
	return "", false, t.freed
}

// release gives a turn back.
func (t *turns) release(owner jobs.OwnerID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.busy[owner]--; t.busy[owner] == 0 {
		delete(t.busy, owner)
	}
	close(t.freed)
	t.freed = make(chan struct{})
}
