package coordinator

import (
	"context"
	"sync"

	"github.com/anthill-grid/anthill/jobs"
)

// slotsPerOwner is how many datasets are copied at a time for one owner. Who claims
// thousands that nobody serves holds up only his own.
const slotsPerOwner = 4

// slots are the owners' turns at copying datasets.
type slots struct {
	mu    sync.Mutex
	busy  map[jobs.OwnerID]int
	freed chan struct{} // closed when any is released
}

func newSlots() *slots {
	return &slots{busy: map[jobs.OwnerID]int{}, freed: make(chan struct{})}
}

// take waits for a slot of any of a dataset's claimers, and returns whose it is.
// They are asked for anew when again says so.
func (s *slots) take(ctx context.Context, again <-chan struct{}, claimers func() []jobs.OwnerID) (jobs.OwnerID, error) {
	owners := claimers()
	for {
		owner, ok, freed := s.try(owners)
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

// try takes a slot if there is one, or else tells what to wait for.
func (s *slots) try(owners []jobs.OwnerID) (owner jobs.OwnerID, ok bool, freed <-chan struct{}) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, owner := range owners {
		if s.busy[owner] < slotsPerOwner {
			s.busy[owner]++
			return owner, true, nil
		}
	}
	return "", false, s.freed
}

// release gives a slot back.
func (s *slots) release(owner jobs.OwnerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy[owner]--; s.busy[owner] == 0 {
		delete(s.busy, owner)
	}
	close(s.freed)
	s.freed = make(chan struct{})
}
