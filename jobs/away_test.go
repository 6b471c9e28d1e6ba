package jobs

import "testing"

// A coordinator that is away for long is not waited for, until it is back.
func TestNoCopyIsWaitedForFromWhoIsAway(t *testing.T) {
	s := threeCoordinators(t)
	s.Apply(Command{At: 2, Away: &NoteAway{Away: []NodeID{"c2", "c3", "op", "nobody"}}})
	if s.CopiesNeeded() != 1 {
		t.Errorf("%d copies are needed with one coordinator there", s.CopiesNeeded())
	}
	s.Apply(Command{At: 3, Away: &NoteAway{Back: []NodeID{"c2"}}})
	if s.CopiesNeeded() != 2 || s.Nodes["op"].Away {
		t.Errorf("%d copies are needed with two there", s.CopiesNeeded())
	}
}
