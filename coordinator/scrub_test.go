package coordinator

import (
	"errors"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

func TestScrubberVisitsEveryPieceInTurn(t *testing.T) {
	pieces := map[blob.ID]int{{1}: 2, {2}: 1, {3}: 3}
	manifest := func(id blob.ID) (blob.Manifest, error) {
		n, known := pieces[id]
		if !known {
			return blob.Manifest{}, errors.New("unknown")
		}
		return blob.Manifest{Pieces: make([][32]byte, n)}, nil
	}
	held := []blob.ID{{3}, {1}, {2}}
	s, seen := scrubber{}, map[blob.ID]int{}
	for range 12 {
		id, _, ok := s.next(held, manifest)
		if !ok {
			t.Fatal("nothing to read")
		}
		seen[id]++
	}
	for id, n := range pieces {
		if seen[id] != 2*n {
			t.Errorf("blob %s: %d reads in two rounds of %d pieces", id.Short(), seen[id], n)
		}
	}
	if _, _, ok := (&scrubber{}).next(nil, manifest); ok {
		t.Error("it reads where nothing is held")
	}
}
