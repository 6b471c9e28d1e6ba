package jobs

import (
	"math/bits"
	"slices"
)

// maxDismissed bounds how many are remembered.
const maxDismissed = 256

// DismissCoordinators ends that these coordinators are part of the grid: they are gone
// for good, or taken out. What they held is held no more, and the rest goes on.
type DismissCoordinators struct {
	Nodes []NodeID `cbor:"1,keyasint"`
	// By is a coordinator that stays. It becomes one if the state does not know it: it
	// was made from a backup, by whoever has the grid's authority.
	By NodeID `cbor:"2,keyasint"`
}

// dismiss carries out DismissCoordinators. Nodes that are no coordinators are passed
// over, so that the command can be repeated.
func (s *State) dismiss(c *DismissCoordinators) Outcome {
	for _, id := range c.Nodes {
		if id == c.By {
			return rejected(reject(Precondition, "LAST_COORDINATOR", "node "+string(id.Short()), "it is the one that goes on").next("name the coordinators that are gone"))
		}
	}
	if n := s.Nodes[c.By]; n != nil && n.Role != Coordinator {
		return rejected(reject(Denied, "NOT_A_COORDINATOR", "node "+string(c.By.Short()), "only a coordinator takes the place of others"))
	}
	for _, id := range c.Nodes {
		if n := s.Nodes[id]; n != nil && n.Role == Coordinator {
			s.loseHolder(id)
			delete(s.Nodes, id)
			s.Dismissed = append(s.Dismissed, id)
		}
	}
	s.Dismissed = s.Dismissed[max(0, len(s.Dismissed)-maxDismissed):]
	if s.Nodes[c.By] == nil {
		s.owner(OperatorOwner)
		s.addNode(c.By, &Node{Role: Coordinator, Owner: OperatorOwner, Admitted: s.Now})
	}
	return Outcome{}
}

// loseHolder takes back all that a coordinator has confirmed to hold, and its position in
// sets of holders is free for the next.
func (s *State) loseHolder(id NodeID) {
	bit := s.holderBit(id)
	if bit == 0 {
		return
	}
	s.Holders[bits.TrailingZeros64(bit)] = ""
	for _, id := range sortedKeys(s.Jobs) {
		j := s.Jobs[id]
		j.InputHolders &^= bit
		for seq := range j.Order {
			s.loseResult(j, Sequence(seq), bit)
		}
	}
	for _, d := range s.Datasets { // each by itself, so in any order
		if d.Holders&bit != 0 {
			d.lose(bit, s.Now)
		}
	}
	s.holdEnough()
}

// holdEnough looks again whether results have enough copies: a smaller group needs fewer.
func (s *State) holdEnough() {
	for _, id := range append([]JobID(nil), s.running...) {
		j := s.Jobs[id]
		for place := range j.Unheld {
			if bits.OnesCount64(j.Closed[place].Holders) >= s.CopiesNeeded() {
				delete(j.Unheld, place)
			}
		}
		s.finishIfDone(id)
	}
}

// IsDismissed says whether a coordinator was dismissed, and has not joined again since.
func (s *State) IsDismissed(id NodeID) bool { return slices.Contains(s.Dismissed, id) }

// addHolder gives a coordinator a position in sets of holders, if there is room.
func (s *State) addHolder(id NodeID) {
	before := s.CopiesNeeded()
	if i := s.freeHolder(); i >= 0 {
		s.Holders[i] = id
	} else if len(s.Holders) < maxHolders {
		s.Holders = append(s.Holders, id)
	}
	if s.CopiesNeeded() > before {
		s.unholdScarce()
	}
}

// freeHolder is a position that a dismissed coordinator has left, or -1.
func (s *State) freeHolder() int {
	for i, id := range s.Holders {
		if id == "" {
			return i
		}
	}
	return -1
}
