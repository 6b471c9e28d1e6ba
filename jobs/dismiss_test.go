package jobs

import "testing"

// threeCoordinators is a founded grid with coordinators c1, c2 and c3.
func threeCoordinators(t *testing.T) *State {
	t.Helper()
	s := NewState()
	s.Apply(Command{At: 1, Found: &FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op"}})
	s.Apply(Command{At: 1, Raise: &RaiseVersion{Version: LastVersion}})
	for _, id := range []NodeID{"c2", "c3"} {
		s.addNode(id, &Node{Role: Coordinator, Owner: OperatorOwner})
	}
	return s
}

// Fewer copies are enough where fewer coordinators are left.
func TestDismissedCoordinatorsHoldNothing(t *testing.T) {
	s := threeCoordinators(t)
	c := Command{At: 2, Dismiss: &DismissCoordinators{Nodes: []NodeID{"c1", "c3"}, By: "c2"}}
	for range 2 { // it may be repeated
		if out := s.Apply(c); out.Rejection != nil {
			t.Fatal(out.Rejection)
		}
	}
	if s.ShutOut("c1") == "" || s.holderBit("c3") != 0 || s.CopiesNeeded() != 1 {
		t.Errorf("c1: %q, copies needed %d", s.ShutOut("c1"), s.CopiesNeeded())
	}
}

func TestACoordinatorFromABackupIsANewOne(t *testing.T) {
	s := threeCoordinators(t)
	s.Apply(Command{At: 2, Dismiss: &DismissCoordinators{Nodes: []NodeID{"c1", "c2", "c3"}, By: "new"}})
	if n := s.Nodes["new"]; n == nil || n.Role != Coordinator || s.holderBit("new") == 0 || s.present(Coordinator) != 1 {
		t.Errorf("it is %v", s.Nodes["new"])
	}
}

func TestOnlyACoordinatorGoesOn(t *testing.T) {
	s := threeCoordinators(t)
	if out := s.Apply(Command{At: 2, Dismiss: &DismissCoordinators{Nodes: []NodeID{"c1"}, By: "op"}}); out.Rejection == nil {
		t.Error("an operator's node takes the place of a coordinator")
	}
}
