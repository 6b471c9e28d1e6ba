package jobs

import (
	"slices"
	"testing"
)

// gridOf is a founded grid with coordinators c1, c2 and c3.
func gridOf(t *testing.T) *State {
	t.Helper()
	s := NewState()
	must(t, s, Command{At: 1, Found: &FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op"}})
	must(t, s, Command{At: 1, Raise: &RaiseVersion{Version: LastVersion}})
	for _, id := range []NodeID{"c2", "c3"} {
		s.addNode(id, &Node{Role: Coordinator, Owner: OperatorOwner})
	}
	return s
}

func must(t *testing.T, s *State, c Command) {
	t.Helper()
	if out := s.Apply(c); out.Rejection != nil {
		t.Fatalf("%+v: %v", c, out.Rejection)
	}
}

// Fewer copies are enough where fewer coordinators are left, and the position of one that
// is gone serves the next.
func TestDismissedCoordinatorsHoldNothing(t *testing.T) {
	s := gridOf(t)
	must(t, s, Command{At: 2, Dismiss: &DismissCoordinators{Nodes: []NodeID{"c1", "c3"}, By: "c2"}})
	if s.Nodes["c1"] != nil || s.holderBit("c3") != 0 || s.CopiesNeeded() != 1 || !s.IsDismissed("c1") {
		t.Errorf("after it: nodes %v, holders %v", s.Nodes, s.Holders)
	}
	s.addNode("c4", &Node{Role: Coordinator, Owner: OperatorOwner})
	if len(s.Holders) != 3 || s.Holders[0] != "c4" || s.CopiesNeeded() != 2 {
		t.Errorf("the next coordinator does not take a free position: %v", s.Holders)
	}
	s.addNode("c1", &Node{Role: Coordinator, Owner: OperatorOwner})
	if s.IsDismissed("c1") {
		t.Error("one that has joined again is still dismissed")
	}
}

func TestACoordinatorFromABackupIsANewOne(t *testing.T) {
	s := gridOf(t)
	must(t, s, Command{At: 2, Dismiss: &DismissCoordinators{Nodes: []NodeID{"c1", "c2", "c3"}, By: "new"}})
	if n := s.Nodes["new"]; n == nil || n.Role != Coordinator || !slices.Contains(s.Holders, "new") {
		t.Errorf("it is %v", s.Nodes["new"])
	}
}

func TestWhoGoesOnIsNotDismissed(t *testing.T) {
	s := gridOf(t)
	if out := s.Apply(Command{At: 2, Dismiss: &DismissCoordinators{Nodes: []NodeID{"c1"}, By: "c1"}}); out.Rejection == nil {
		t.Error("the last coordinator was dismissed by itself")
	}
	if out := s.Apply(Command{At: 2, Dismiss: &DismissCoordinators{By: "op"}}); out.Rejection == nil {
		t.Error("an operator's node became a coordinator")
	}
}
