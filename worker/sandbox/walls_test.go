package sandbox

import (
	"context"
	"testing"
)

func TestASlotTellsItsWalls(t *testing.T) {
	s := newSlot(t)
	w, err := s.Walls(context.Background())
	if err != nil || len(w.Standing)+len(w.Missing) < 6 {
		t.Fatalf("Walls = %v, %v", w, err)
	}
	t.Log("sandbox:", w)
	child := pid(s)
	if _, err := s.Walls(context.Background()); err != nil || pid(s) != child {
		t.Errorf("asking again started child %d after %d, %v", pid(s), child, err)
	}
}
