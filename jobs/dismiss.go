package jobs

// DismissCoordinators has one coordinator go on without these, which are gone for good:
// with their disks, or since most of them are.
type DismissCoordinators struct {
	Nodes []NodeID `cbor:"1,keyasint"`
	// By is the coordinator that goes on. It becomes one if the state does not know it: it
	// was made from a backup, by whoever has the grid's authority.
	By NodeID `cbor:"2,keyasint"`
}

// dismiss carries out DismissCoordinators. Nodes that are no coordinators any more are
// passed over, so that the command can be repeated.
func (s *State) dismiss(c *DismissCoordinators) Outcome {
	if n := s.Nodes[c.By]; n != nil && (n.Role != Coordinator || n.Ended != nil) {
		return rejected(reject(Denied, "NOT_A_COORDINATOR", "node "+c.By.Short(), "only a coordinator goes on without others"))
	}
	if s.Nodes[c.By] == nil {
		s.owner(OperatorOwner)
		s.addNode(c.By, &Node{Role: Coordinator, Owner: OperatorOwner, Admitted: s.Now})
	}
	for _, id := range c.Nodes {
		if n := s.Nodes[id]; n == nil || n.Role != Coordinator || id == c.By {
			continue
		}
		out := s.endNode(&EndNode{Node: id, By: c.By, Coordinator: true, Why: "given up when coordinator " + c.By.Short() + " went on alone"})
		if out.Rejection != nil {
			return out
		}
	}
	return Outcome{}
}
