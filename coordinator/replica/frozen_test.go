package replica

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

// freezer holds up writes, as fsfreeze does.
type freezer struct {
	mu   sync.Mutex
	held chan struct{}
}

func (f *freezer) wait() {
	f.mu.Lock()
	held := f.held
	f.mu.Unlock()
	if held != nil {
		<-held
	}
}

func (f *freezer) set(held chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.held != nil {
		close(f.held)
	}
	f.held = held
}

func TestALeaderWhoseDiskIsFrozenGivesWay(t *testing.T) {
	t.Parallel()
	g := newGroup(t)
	leader := g.leader(t)
	leader.propose(t, token("before"))
	leader.freezer.set(make(chan struct{}))
	t.Cleanup(func() { leader.freezer.set(nil) })
	try := func(id string) error {
		c := token(id)
		c.At = leader.Now()
		_, err := leader.Propose(t.Context(), c)
		return err
	}
	if err := try("hangs"); !errors.Is(err, ErrUnknown) || !errors.Is(err, ErrFrozen) {
		t.Errorf("a command that hangs in the disk: %v", err)
	}
	if err := try("late"); !errors.Is(err, ErrNotLeader) {
		t.Errorf("a command while the disk is frozen: %v", err)
	}
	if _, err := leader.ReadIndex(); !errors.Is(err, ErrFrozen) {
		t.Errorf("reading while the disk is frozen: %v", err)
	}
	if _, _, ok := leader.Leader(); ok {
		t.Error("with a frozen disk it believes to know who leads")
	}
	next := g.others(leader).leader(t)
	next.propose(t, token("meanwhile"))
	index, err := next.ReadIndex()
	if err != nil {
		t.Fatal(err)
	}
	leader.freezer.set(nil)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := leader.WaitApplied(ctx, index); err != nil || leader.Frozen() != nil {
		t.Errorf("once the disk goes on: %v, %v", err, leader.Frozen())
	}
	g.mustAgree(t)
	g.mustHave(t, "before", "meanwhile")
	leader.View(func(s *jobs.State) {
		if s.Tokens["late"] != nil {
			t.Error("a command that was refused was carried out")
		}
	})
}
