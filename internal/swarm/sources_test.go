package swarm

import (
	"fmt"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// TestSourcesAreTakenOnce, the largest first, and a node that is never asked keeps few.
func TestSourcesAreTakenOnce(t *testing.T) {
	t.Parallel()
	s := &Swarm{}
	one, two, other := blob.ID{1}, blob.ID{2}, blob.ID{3}
	for i := range 20 {
		s.ledger.note(one, jobs.NodeID(fmt.Sprint("n", i)), 10)
	}
	s.ledger.note(two, "n3", 5)
	s.ledger.note(other, "n4", 100)
	s.ledger.note(two, "", 100)
	got := s.TakeSources([]blob.ID{one, two})
	if len(got) != maxSources || got[0] != (Source{"n3", 15}) {
		t.Errorf("got %v", got)
	}
	if again := s.TakeSources([]blob.ID{one, two}); len(again) != 0 {
		t.Errorf("told twice: %v", again)
	}
	if got := s.TakeSources([]blob.ID{other}); len(got) != 1 || got[0] != (Source{"n4", 100}) {
		t.Errorf("of another blob: %v", got)
	}
	for i := range 2 * maxLedger {
		s.ledger.note(blob.ID{byte(i), byte(i >> 8)}, "n", 1)
	}
	if s.ledger.pairs != maxLedger {
		t.Errorf("%d pairs are remembered, at most %d may be", s.ledger.pairs, maxLedger)
	}
}
