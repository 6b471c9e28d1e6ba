package jobs

import "slices"

// Node is an enrolled node.
type Node struct {
	Role     Role    `cbor:"1,keyasint"`
	Owner    OwnerID `cbor:"2,keyasint"`
	Address  string  `cbor:"3,keyasint,omitempty"`
	Admitted Time    `cbor:"4,keyasint"`
	// Reliability is the share of its latest attempts that ended with a vote.
	Reliability Prob `cbor:"5,keyasint,omitempty"`
	// Number is a worker's, see State.Numbered.
	Number NodeNumber `cbor:"6,keyasint,omitempty"`
	// Seen is when it was there last, roughly; zero: not since it was admitted.
	Seen Time `cbor:"35,keyasint,omitempty"`
	// Moves is how often it has said itself where it serves, see MoveNode.
	Moves uint64 `cbor:"30,keyasint,omitempty"`
	// Member: it is a worker of the operators' own, and gossips with the coordinators.
	Member bool `cbor:"31,keyasint,omitempty"`
	// Ended: it takes part no more.
	Ended *Ending `cbor:"45,keyasint,omitempty"`
	// Short: none of its certificates was ever valid for longer than CertificateLife.
	Short bool `cbor:"46,keyasint,omitempty"`
	// Authority is the number of the newest of which it is known to have a certificate.
	Authority uint64 `cbor:"110,keyasint,omitempty"`
	// Away: it is a coordinator that has been away for long, see NoteAway.
	Away bool `cbor:"86,keyasint,omitempty"`
}

// deliver and stumble keep a worker's reliability, a moving average: some
// sixteen attempts with a vote mend what eight without one have broken.
func (n *Node) deliver() { n.Reliability += (One - n.Reliability) / 16 }

func (n *Node) stumble() { n.Reliability -= n.Reliability / 8 }

func (s *State) found(c *FoundGrid) Outcome {
	if s.Grid != "" {
		return rejected(reject(Precondition, "GRID_EXISTS", "grid "+s.Grid, "it is founded already"))
	}
	if c.Saboteurs < 0 || c.Saboteurs > MaxPrior {
		return rejected(invalid("saboteurs", "a share of %v is not between 0 and %v", c.Saboteurs, MaxPrior))
	}
	s.Grid, s.Saboteurs = c.Grid, c.Saboteurs
	s.owner(OperatorOwner)
	s.addNode(c.Coordinator, &Node{Role: Coordinator, Owner: OperatorOwner, Admitted: s.Now})
	s.addNode(c.Operator, &Node{Role: Operator, Owner: OperatorOwner, Admitted: s.Now})
	return Outcome{Owner: OperatorOwner}
}

func (s *State) addNode(id NodeID, n *Node) {
	s.Nodes[id] = n
	if n.Role == Worker {
		n.Number, n.Reliability = s.newNumber(id), One
		s.enlist(s.Owners[n.Owner])
	}
	if n.Role == Coordinator && !slices.Contains(s.Holders, id) && len(s.Holders) < 64 {
		before := s.CopiesNeeded()
		s.Holders = append(s.Holders, id)
		if s.CopiesNeeded() > before {
			s.unholdScarce()
		}
	}
}

// newNumber gives a worker the first number that nobody has.
func (s *State) newNumber(id NodeID) NodeNumber {
	at := slices.Index(s.Numbered, "")
	if at < 0 {
		at = len(s.Numbered)
		s.Numbered = append(s.Numbered, id)
	}
	s.Numbered[at] = id
	return NodeNumber(at + 1)
}
