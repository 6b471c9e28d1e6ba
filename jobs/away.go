package jobs

// NoteAway says which coordinators have been away for long, or are back.
type NoteAway struct {
	Away []NodeID `cbor:"1,keyasint,omitempty"`
	Back []NodeID `cbor:"2,keyasint,omitempty"`
}

// noteAway carries out NoteAway: no job waits for copies with a coordinator that is away.
func (s *State) noteAway(c *NoteAway) Outcome {
	before := s.CopiesNeeded()
	s.setAway(c.Away, true)
	s.setAway(c.Back, false)
	switch after := s.CopiesNeeded(); {
	case after > before:
		s.unholdScarce()
	case after < before:
		for _, id := range append([]JobID(nil), s.running...) {
			s.holdEnough(id, s.Jobs[id])
		}
	}
	return Outcome{}
}

func (s *State) setAway(ids []NodeID, away bool) {
	for _, id := range ids {
		if n := s.Nodes[id]; n != nil && n.Role == Coordinator {
			n.Away = away
		}
	}
}
