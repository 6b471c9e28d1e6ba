package jobs

import (
	"time"
)

// Ending is why a node may take part no more.
type Ending struct {
	At  Time   `cbor:"1,keyasint"`
	Why string `cbor:"2,keyasint,omitempty"`
	// Revoked: its key may be in wrong hands, so it never comes back. A node that was
	// merely removed is let in again by a new token of its owner.
	Revoked bool `cbor:"3,keyasint,omitempty"`
}

// EndNode ends a node's part in the grid on behalf of an operator.
type EndNode struct {
	Node NodeID `cbor:"1,keyasint"`
	By   NodeID `cbor:"2,keyasint"`
	// Revoke tells a stolen key from a machine that is no more.
	Revoke bool `cbor:"3,keyasint,omitempty"`
	// Coordinator: it is meant to be one. Nobody ends a voter by mistake.
	Coordinator bool   `cbor:"4,keyasint,omitempty"`
	Why         string `cbor:"5,keyasint,omitempty"`
}

// CertificateLife is how long a node's certificate is valid. What is not renewed in that
// time is worth nothing to anybody, whether he has heard of a revocation or not.
const CertificateLife = 30 * 24 * time.Hour

// ShutOut says why a node of this grid may not take part, or "": it was ended, or its
// owner is banned.
func (s *State) ShutOut(id NodeID) string {
	n := s.Nodes[id]
	switch {
	case n == nil:
		return ""
	case n.Ended == nil:
		if why := s.BannedNode(id); why != "" {
			return because("its owner is banned", why)
		}
		return ""
	case n.Ended.Revoked:
		return because("its key was revoked", n.Ended.Why)
	}
	return because("it was removed from the grid", n.Ended.Why)
}

// Outlaws are the nodes that nobody should serve, or take anything from, in order: those
// that are shut out and whose certificates may still be valid.
func (s *State) Outlaws() []NodeID {
	out := map[NodeID]bool{}
	for id, n := range s.Nodes {
		lapsed := n.Ended != nil && n.Short && n.Ended.At.Add(CertificateLife) < s.Now
		if s.ShutOut(id) != "" && !lapsed {
			out[id] = true
		}
	}
	return sortedKeys(out)
}

// Cuts changes whenever Outlaws may have. It counts on this replica alone.
func (s *State) Cuts() uint64 { return s.cuts }

func because(what, why string) string {
	if why == "" {
		return what
	}
	return what + ": " + why
}

func (s *State) endNode(c *EndNode) Outcome {
	n := s.Nodes[c.Node]
	if r := s.MayEnd(c); r != nil {
		return rejected(r)
	}
	if n.Ended != nil && (n.Ended.Revoked || !c.Revoke) {
		return Outcome{Owner: n.Owner} // so it is already
	}
	bit, first := s.holderBit(c.Node), n.Ended == nil
	n.Ended = &Ending{At: s.Now, Why: c.Why, Revoked: c.Revoke}
	s.cuts++
	act := ActNodeRemoved
	if c.Revoke {
		act = ActNodeRevoked
	}
	s.note(c.By, act, string(c.Node), c.Why)
	s.takeLeases(c.Node)
	if n.Role == Coordinator {
		s.dropHolder(bit)
		if first {
			s.keyGone(c.Node)
		}
	}
	return Outcome{Owner: n.Owner}
}

// MayEnd says why a node is not ended, or nil.
func (s *State) MayEnd(c *EndNode) *Rejection {
	n := s.Nodes[c.Node]
	switch {
	case n == nil:
		return UnknownNode(c.Node)
	case len(c.Why) > MaxWhy:
		return invalid("reason", "it has %d bytes, more than %d", len(c.Why), MaxWhy)
	case n.Role == Coordinator && !c.Coordinator:
		return reject(Precondition, "IS_COORDINATOR", "node "+c.Node.Short(), "it is a coordinator, and votes").next("remove it with `anthill coordinator rm`")
	case n.Role != Coordinator && c.Coordinator:
		return reject(Precondition, "NOT_A_COORDINATOR", "node "+c.Node.Short(), "it is a %v", n.Role).next("remove it with `anthill node rm`")
	case n.Ended == nil && n.Role == Coordinator && s.present(Coordinator) == 1:
		return reject(Precondition, "LAST_COORDINATOR", "node "+c.Node.Short(), "it is the last one").next("add another first: `anthill token create --role coordinator`")
	case n.Ended == nil && n.Role == Operator && s.present(Operator) == 1:
		return reject(Precondition, "LAST_OPERATOR", "node "+c.Node.Short(), "nobody would be left to run the grid").next("let another operator in first: `anthill token create --role operator`")
	}
	return nil
}

// present counts the nodes of a role that were not ended.
func (s *State) present(role Role) (n int) {
	for _, x := range s.Nodes {
		if x.Role == role && x.Ended == nil {
			n++
		}
	}
	return n
}

// takeLeases ends what a node runs. Its votes stay: they were those of its owner, who
// may be banned for them.
func (s *State) takeLeases(worker NodeID) {
	h := newHearing()
	for _, id := range append(s.LeasesOf(worker), s.SilentOf(worker)...) {
		p, _, held := s.Lease(id)
		if !held {
			if p, _, held = s.Silent(id); !held {
				continue // its job failed on account of an earlier one
			}
		}
		s.rejudge(h, p.Job, p.Place, func(t *Task) {
			s.endLease(&t.Attempts[p.Attempt], AttemptVoid, "its node was removed from the grid")
		})
	}
	s.conclude(h)
}

// dropHolder takes back everything that a coordinator has confirmed to hold.
func (s *State) dropHolder(bit uint64) {
	for _, job := range sortedKeys(s.Jobs) {
		j := s.Jobs[job]
		j.InputHolders &^= bit
		var lost []Sequence
		for seq, place := range j.Order {
			if j.Current(Sequence(seq)) && j.Closed[place].Holders&bit != 0 {
				lost = append(lost, Sequence(seq))
			}
		}
		s.loseResults(j, lost, bit)
		s.holdEnough(job, j)
	}
	for _, d := range s.Datasets {
		if d.Holders&bit != 0 {
			d.lose(bit, s.Now)
		}
	}
}

// holdEnough finds the results safe of which there are as many copies as so many
// coordinators can hold.
func (s *State) holdEnough(id JobID, j *Job) {
	for _, place := range sortedKeys(j.Unheld) {
		if held := s.copiesIn(j.Closed[place].Holders); held > 0 && held >= s.CopiesNeeded() {
			delete(j.Unheld, place)
		}
	}
	s.finishIfDone(id)
}

// UnknownNode is the rejection of what names a node that the grid does not know.
func UnknownNode(id NodeID) *Rejection {
	return reject(NotFound, "UNKNOWN_NODE", "node "+id.Short(), "the grid has no node with this id").next("list them with `anthill node list`")
}

// RevokeToken ends a token: nobody joins by it any more. Who has joined stays.
type RevokeToken struct {
	Token TokenID `cbor:"1,keyasint"`
	By    NodeID  `cbor:"2,keyasint"`
	Why   string  `cbor:"3,keyasint,omitempty"`
}

func (s *State) revokeToken(c *RevokeToken) Outcome {
	t := s.Tokens[c.Token]
	switch {
	case t == nil:
		return rejected(UnknownToken(c.Token))
	case len(c.Why) > MaxWhy:
		return rejected(invalid("reason", "it has %d bytes, more than %d", len(c.Why), MaxWhy))
	}
	delete(s.Tokens, c.Token)
	s.note(c.By, ActTokenRevoked, c.Token.Short()+" of "+string(t.Owner), c.Why)
	return Outcome{Owner: t.Owner}
}

// UnknownToken is the rejection of what names a token that the grid does not know.
func UnknownToken(id TokenID) *Rejection {
	return reject(NotFound, "UNKNOWN_TOKEN", "token "+id.Short(), "the grid has no token with this id").next("list them with `anthill token list`")
}
