package jobs

// NoteAway says which coordinators have been away for long, or are back.
type NoteAway struct {
	Away []NodeID `cbor:"1,keyasint,omitempty"`
	Back []NodeID `cbor:"2,keyasint,omitempty"`
}

// noteAway carries out NoteAway: no job waits for copies with a
// coordinator that is away, nor relies on those that it has.
func (s *State) noteAway(c *NoteAway) Outcome {
	before := s.CopiesNeeded()
	s.setAway(c.Away, true)
	s.setAway(c.Back, false)
	after, anew := s.CopiesNeeded(), s.can(VersionThinkers)
	if after > before || anew {
		s.unholdScarce()
	}
	if after < before || anew {
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
