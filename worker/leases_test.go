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
	if !slices.Equal(l.ids(), []uint64{1, 2}) || l.count() != 2 || len(l.all()) != 2 {
		t.Errorf("leases %v, %d", l.ids(), l.count())
	}
	l.drop(2)
	l.drop(2)
	l.drop(99)
	if two.Err() == nil || one.Err() != nil {
		t.Error("dropping a lease should end its context and no other")
	}
	if l.context(2) != nil || l.context(1) != one {
		t.Error("a void lease has a context, or a live one another")
	}
}
