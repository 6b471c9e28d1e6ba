package desk

import (
	"fmt"
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

func TestStock(t *testing.T) {
	a, b := blob.Ref{ID: blob.ID{1}}, blob.Ref{ID: blob.ID{2}}
	s := newStock()
	having := func(refs ...blob.Ref) []jobs.NodeID { return slices.Sorted(slices.Values(s.having(refs, 8, anybody))) }
	s.announce("w1", []blob.ID{a.ID, b.ID})
	s.announce("w2", []blob.ID{b.ID})
	if got := having(a, b); !slices.Equal(got, []jobs.NodeID{"w1", "w2"}) {
		t.Errorf("having both: %v, want each node once", got)
	}
	s.announce("w1", []blob.ID{a.ID})
	if got := having(b); !slices.Equal(got, []jobs.NodeID{"w2"}) {
		t.Errorf("having b after w1 dropped it: %v", got)
	}
	s.forget("w1")
	s.forget("w2")
	s.forget("never seen")
	if len(s.byBlob)+len(s.byNode) != 0 {
		t.Errorf("%v %v are left of forgotten nodes", s.byBlob, s.byNode)
	}
}

func TestStockNamesNoMoreThanIsAsked(t *testing.T) {
	s := newStock()
	id := blob.ID{1}
	for i := range 100 {
		s.announce(jobs.NodeID(fmt.Sprint(i)), []blob.ID{id})
	}
	if got := s.having([]blob.Ref{{ID: id}}, 5, anybody); len(got) != 5 {
		t.Errorf("%d nodes", len(got))
	}
}

func anybody(jobs.NodeID) bool { return true }
