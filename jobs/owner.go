package jobs

import "github.com/anthill-grid/anthill/internal/blob"

// OperatorOwner owns what FoundGrid admits.
const OperatorOwner OwnerID = "operator"

// Owner is what the grid knows of who stands behind nodes.
type Owner struct {
	Agreed   uint64 `cbor:"1,keyasint,omitempty"` // votes for accepted results
	Outvoted uint64 `cbor:"2,keyasint,omitempty"` // votes against them
	Banned   string `cbor:"3,keyasint,omitempty"` // why; empty: it is not
	// Checks counts the checks that it survived since the last doubt.
	Checks uint64 `cbor:"4,keyasint,omitempty"`
	Doubts uint32 `cbor:"5,keyasint,omitempty"`
	// Credit counts accepted results that it voted for.
	Credit uint64 `cbor:"6,keyasint,omitempty"`
	// Fuel is what those results took.
	Fuel FuelSum `cbor:"20,keyasint"`
	// Prior is the probability that it is a saboteur; zero: the grid's.
	Prior Prob `cbor:"7,keyasint,omitempty"`
	// Accusers are owners that say it sent them wrong bytes.
	Accusers []Accuser `cbor:"8,keyasint,omitempty"`
	// Vain counts its reports without a vote that no vote has made up for yet, and until
	// Rests it gets no lease. See tire.
	Vain  uint8 `cbor:"80,keyasint,omitempty"`
	Rests Time  `cbor:"81,keyasint,omitempty"`
	// Proof is the signed evidence that it was banned for last, and Pardoned when a ban of
	// it was lifted last: what is older counts no more.
	Proof    *blob.Served `cbor:"82,keyasint,omitempty"`
	Pardoned Time         `cbor:"83,keyasint,omitempty"`
	// Terms are what it may use, where that differs from what the grid has.
	Terms Terms `cbor:"35,keyasint,omitempty"`

	// Derived, see State.Reindex: its position in byNumber, and whether it has
	// workers.
	number ownerNumber
	works  bool
}

// owner is the record of an owner, which is made where there is none.
func (s *State) owner(id OwnerID) *Owner {
	if s.Owners[id] == nil {
		s.Owners[id] = &Owner{}
		s.number(s.Owners[id])
	}
	return s.Owners[id]
}

// OwnerOf is the owner of a node; empty if it is not of this grid.
func (s *State) OwnerOf(id NodeID) OwnerID {
	if n := s.Nodes[id]; n != nil {
		return n.Owner
	}
	return ""
}

func (s *State) number(o *Owner) {
	o.number, o.works = ownerNumber(len(s.byNumber)), false
	s.byNumber = append(s.byNumber, o)
}

// enlist counts an owner among those who have workers.
func (s *State) enlist(o *Owner) {
	if o.works {
		return
	}
	o.works = true
	s.crew++
	if o.Banned != "" {
		s.bannedCrew++
	}
}
