package jobs

// maxMove bounds the address that a node may say it serves at.
const maxMove = 300

// MoveNode notes where a coordinator serves, by its own word: gossip is only a hint, and
// any member can say there what it likes.
type MoveNode struct {
	Node    NodeID `cbor:"1,keyasint"`
	Address string `cbor:"2,keyasint"`
	// Moves counts what the node has said of this, from 1. What it said earlier, and
	// comes late, so changes nothing.
	Moves uint64 `cbor:"3,keyasint"`
}

// MayMove says what is wrong with a move, or nil.
func (s *State) MayMove(c *MoveNode) *Rejection {
	n := s.Nodes[c.Node]
	switch {
	case n == nil:
		return UnknownNode(c.Node)
	case n.Role != Coordinator:
		return reject(Denied, "NOT_A_COORDINATOR", "node "+c.Node.Short(), "it is a %v", n.Role)
	case n.Ended != nil:
		return reject(Denied, "NODE_ENDED", "node "+c.Node.Short(), "%s", s.ShutOut(c.Node))
	case c.Address == "" || len(c.Address) > maxMove:
		return invalid("address", "it has %d bytes, not between 1 and %d", len(c.Address), maxMove)
	case c.Moves != n.Moves+1:
		return reject(Precondition, "MOVED_SINCE", "node "+c.Node.Short(), "it has moved %d times, so this cannot be its move %d", n.Moves, c.Moves)
	}
	return nil
}

func (s *State) move(c *MoveNode) Outcome {
	if r := s.MayMove(c); r != nil {
		return rejected(r)
	}
	n := s.Nodes[c.Node]
	n.Address, n.Moves = c.Address, c.Moves
	return Outcome{Owner: n.Owner}
}
