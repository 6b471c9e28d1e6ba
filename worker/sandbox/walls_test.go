package sandbox

import (
	"context"
	"testing"
)

func TestWallsTellThemselvesOnOneLine(t *testing.T) {
	for want, w := range map[string]Walls{
		"none; missing: none": {},
		"a, b; missing: none": {Standing: []string{"a", "b"}},
		"a; missing: b (no such call), c (not here)": {
			Standing: []string{"a"}, Missing: []MissingWall{{"b", "no such call"}, {"c", "not here"}},
		},
	} {
		if got := w.String(); got != want {
			t.Errorf("%#v = %q, want %q", w, got, want)
		}
	}
}

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
