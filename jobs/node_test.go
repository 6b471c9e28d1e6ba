package jobs

import (
	"testing"
)

func wantRejected(t *testing.T, out Outcome, reason string) {
	t.Helper()
	got := ""
	if out.Rejection != nil {
		got = out.Rejection.Reason
	}
	if got != reason {
		t.Errorf("rejection %q (%v), want %q", got, out.Rejection, reason)
	}
}

func TestFoundGrid(t *testing.T) {
	g := newGrid()
	if g.Nodes["c1"].Role != Coordinator || g.Nodes["op"].Role != Operator || g.CopiesNeeded() != 1 {
		t.Errorf("founded grid: %+v", g.State)
	}
	wantRejected(t, g.apply(Command{Found: &FoundGrid{Grid: "other"}}), "GRID_EXISTS")
}

func TestRoles(t *testing.T) {
	for r := Coordinator; r <= Operator; r++ {
		if got, err := ParseRole(r.String()); got != r || err != nil {
			t.Errorf("ParseRole(%q) = %v, %v", r, got, err)
		}
	}
	for _, s := range []string{"stranger", "", "Worker", "role(9)"} {
		if r, err := ParseRole(s); err == nil {
			t.Errorf("ParseRole(%q) = %v", s, r)
		}
	}
	if Role(9).String() != "role(9)" {
		t.Errorf("%v", Role(9))
	}
}
