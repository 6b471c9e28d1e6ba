package worker

import (
	"slices"
	"testing"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestLeases(t *testing.T) {
	l := newLeases()
	two := l.add(t.Context(), &anthillv1.Lease{Id: 2})
	one := l.add(t.Context(), &anthillv1.Lease{Id: 1})
	l.usedFuel(2, 70)
	l.usedFuel(99, 1) // void by now
	if ids, fuel := l.beat(); !slices.Equal(ids, []uint64{1, 2}) || !slices.Equal(fuel, []uint64{0, 70}) || l.count() != 2 || len(l.all()) != 2 {
		t.Errorf("leases %v with fuel %v, %d", ids, fuel, l.count())
	}
	l.drop(2)
	l.drop(2)
	l.drop(99)
	if two.Err() == nil || one.Err() != nil {
		t.Error("dropping a lease should end its context and no other")
	}
	if l.start(2) != nil || l.start(1) != one {
		t.Error("a void lease has a context, or a live one another")
	}
}

func TestGiveUpLeavesWhatHasStarted(t *testing.T) {
	l := newLeases()
	started := l.add(t.Context(), &anthillv1.Lease{Id: 1})
	waiting := l.add(t.Context(), &anthillv1.Lease{Id: 2})
	l.start(1)
	if given := l.giveUp(); len(given) != 1 || given[0].GetId() != 2 {
		t.Errorf("gave up %v, want lease 2", given)
	}
	if started.Err() != nil || waiting.Err() == nil {
		t.Error("the started attempt should go on, and the other end")
	}
	if l.start(2) != nil || len(l.giveUp()) != 0 {
		t.Error("a lease that was given up can still be started, or given up again")
	}
	if ids, _ := l.beat(); !slices.Equal(ids, []uint64{1, 2}) {
		t.Errorf("leases %v: one that was given up counts until that is reported", ids)
	}
}
