package jobs

import "testing"

// TestMoveIsCounted: what comes twice, or late, changes nothing.
func TestMoveIsCounted(t *testing.T) {
	s := NewState()
	do := func(c Command) *Rejection { return s.Apply(c).Rejection }
	do(Command{Found: &FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op"}})
	do(Command{CreateToken: &CreateToken{Token: "t-worker", Role: Worker, Uses: 1, Expires: 1 << 50}})
	do(Command{Admit: &AdmitNode{Token: "t-worker", Node: "w", Role: Worker}})
	move := func(node NodeID, address string, moves uint64) *Rejection {
		return do(Command{Move: &MoveNode{Node: node, Address: address, Moves: moves}})
	}
	if r := move("c1", "a:1", 1); r != nil {
		t.Fatal(r)
	}
	if r := move("c1", "b:1", 2); r != nil {
		t.Fatal(r)
	}
	for name, r := range map[string]*Rejection{
		"said before":   move("c1", "a:1", 1),
		"said twice":    move("c1", "a:1", 2),
		"ahead of time": move("c1", "x:1", 4),
		"by a worker":   move("w", "x:1", 1),
		"by nobody":     move("?", "x:1", 1),
		"to nowhere":    move("c1", "", 3),
		"much too long": move("c1", string(make([]byte, maxMove+1)), 3),
	} {
		if r == nil {
			t.Errorf("%s: it counts", name)
		}
	}
	if n := s.Nodes["c1"]; n.Address != "b:1" || n.Moves != 2 {
		t.Errorf("it is at %s after %d moves", n.Address, n.Moves)
	}
}

// TestMembers: the token says which workers gossip.
func TestMembers(t *testing.T) {
	s := NewState()
	do := func(c Command) *Rejection { return s.Apply(c).Rejection }
	do(Command{Found: &FoundGrid{Grid: "g", Coordinator: "c1", Operator: "op"}})
	token := func(id TokenID, role Role, member bool) *Rejection {
		return do(Command{CreateToken: &CreateToken{Token: id, Role: role, Uses: 1, Expires: 1 << 50, Member: member}})
	}
	if token("t-early-1", Worker, true) == nil {
		t.Error("members are made under rules that know none")
	}
	do(Command{Raise: &RaiseVersion{Version: VersionStrangers}})
	if token("t-submit-1", Submitter, true) == nil {
		t.Error("a submitter is made a member")
	}
	for id, member := range map[TokenID]bool{"t-member-1": true, "t-other-1": false} {
		if r := token(id, Worker, member); r != nil {
			t.Fatal(r)
		}
		if r := do(Command{Admit: &AdmitNode{Token: id, Node: NodeID(id), Role: Worker}}); r != nil {
			t.Fatal(r)
		}
		if s.Nodes[NodeID(id)].Member != member {
			t.Errorf("%s: member %v", id, !member)
		}
	}
	if c := (&Command{CreateToken: &CreateToken{Member: true}}).Version(); c != VersionStrangers {
		t.Errorf("the command's version is %d", c)
	}
}
