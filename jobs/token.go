package jobs

import "fmt"

// TokenID is the SHA-256 of a token's secret in hex; the secret itself is
// never stored.
type TokenID string

// Token is the right to admit nodes.
type Token struct {
	Role    Role            `cbor:"1,keyasint"`
	Expires Time            `cbor:"2,keyasint"`
	Uses    uint32          `cbor:"3,keyasint"` // left
	Owner   OwnerID         `cbor:"4,keyasint"`
	Prior   Prob            `cbor:"6,keyasint,omitempty"`
	Nodes   map[NodeID]bool `cbor:"5,keyasint,omitempty"` // admitted by it
	// Member: the workers that it admits gossip with the coordinators.
	Member bool `cbor:"30,keyasint,omitempty"`
	// Created is when it was made, and By by which node.
	Created Time   `cbor:"45,keyasint,omitempty"`
	By      NodeID `cbor:"46,keyasint,omitempty"`
	// Authority is the number of the one that it names.
	Authority uint64 `cbor:"110,keyasint,omitempty"`
}

// MaxOwnerName bounds the name of an owner, in bytes.
const MaxOwnerName = 64

// Short is the id as people see it and may give it: its first 12 digits.
func (id TokenID) Short() string { return string(id[:min(12, len(id))]) }

// maxUses bounds how many nodes one token admits.
const maxUses = 1_000_000

func (s *State) createToken(c *CreateToken) Outcome {
	switch {
	case c.Role < Coordinator || c.Role > Operator:
		return rejected(invalid("role", "%v cannot join", c.Role).next("use coordinator, worker or submitter"))
	case c.Expires <= s.Now:
		return rejected(invalid("lifetime", "it has ended already").next("give a positive lifetime"))
	case c.Uses == 0 || c.Uses > maxUses:
		return rejected(invalid("uses", "%d is not between 1 and %d", c.Uses, maxUses))
	case len(c.Owner) > MaxOwnerName:
		return rejected(invalid("owner", "the name has %d bytes, more than %d", len(c.Owner), MaxOwnerName))
	case c.Owner == OperatorOwner && c.Role == Worker: // a ban would hit the coordinators
		return rejected(invalid("owner", "%q cannot own workers", c.Owner).next("use another name"))
	case c.Prior < 0 || c.Prior > MaxPrior:
		return rejected(invalid("prior", "%v is not between 0 and %v", c.Prior, MaxPrior).next("give the probability that the owner is a saboteur, such as 0.01 for machines of your own"))
	case c.Prior != 0 && c.Role != Worker:
		return rejected(invalid("prior", "it is for workers, not for a %v", c.Role).next("leave it out"))
	case c.Member && c.Role != Worker:
		return rejected(invalid("member", "it is for workers, not for a %v", c.Role).next("leave it out: coordinators are members, and others have no use for it"))
	case c.Member && !s.can(VersionStrangers):
		return rejected(invalid("member", "some of the grid's coordinators are too old for it").next("upgrade the grid's coordinators, or leave it out"))
	case s.Tokens[c.Token] != nil:
		return rejected(reject(Precondition, "TOKEN_EXISTS", "token", "it exists already"))
	}
	owner := c.Owner
	if owner == "" {
		owner = OwnerID("token-" + string(c.Token[:min(8, len(c.Token))]))
	}
	t := &Token{Role: c.Role, Expires: c.Expires, Uses: c.Uses, Owner: owner, Prior: c.Prior, Member: c.Member, Authority: c.Authority}
	if c.By != "" {
		t.Created, t.By = s.Now, c.By
		s.note(c.By, ActTokenCreated, fmt.Sprintf("%s for %s of %s", c.Token.Short(), plural(int(c.Uses), c.Role.String()), owner), "")
	}
	s.Tokens[c.Token] = t
	return Outcome{Owner: owner}
}

// MayAdmit says why a token does not let a node in, or nil.
func (s *State) MayAdmit(c *AdmitNode) *Rejection {
	const next = "ask an operator for a new one: `anthill token create`"
	t := s.Tokens[c.Token]
	switch {
	case t == nil:
		return reject(Denied, "TOKEN_UNKNOWN", "token", "this grid has not issued it").next(next)
	case t.Role != c.Role:
		return reject(Denied, "TOKEN_ROLE", "token", "it admits a %v, not a %v", t.Role, c.Role).next(next)
	case s.Nodes[c.Node] != nil && s.Nodes[c.Node].Ended != nil:
		return s.mayReturn(t, c.Node)
	case s.admittedBy(t, c.Node):
		return nil
	case t.Expires <= s.Now:
		return reject(Denied, "TOKEN_EXPIRED", "token", "it expired at %s", t.Expires.Std().Format("2006-01-02 15:04:05 MST")).next(next)
	case t.Uses == 0:
		return reject(Denied, "TOKEN_USED_UP", "token", "all of its uses are used up").next(next)
	case s.banned(t.Owner):
		return reject(Denied, "OWNER_BANNED", "owner "+string(t.Owner), "banned: %s", s.Owners[t.Owner].Banned)
	case s.Nodes[c.Node] != nil:
		return reject(Denied, "NODE_EXISTS", "node "+string(c.Node.Short()), "it is admitted already").next("start it without a token, or with a fresh data directory")
	}
	return nil
}

// mayReturn says why a token does not let a node in again that was ended, or nil.
func (s *State) mayReturn(t *Token, id NodeID) *Rejection {
	n := s.Nodes[id]
	fresh := func(format string, args ...any) *Rejection {
		return reject(Denied, "NODE_ENDED", "node "+id.Short(), format, args...).next("start it in a fresh data directory, with a new token")
	}
	switch {
	case n.Ended.Revoked || n.Role != t.Role || n.Owner != t.Owner || t.Nodes[id]:
		return fresh("%s", s.ShutOut(id))
	case t.Expires <= s.Now || t.Uses == 0 || s.banned(t.Owner):
		return fresh("the token is of no use any more")
	}
	return nil
}

func (s *State) admittedBy(t *Token, id NodeID) bool { return t.Nodes[id] && s.Nodes[id] != nil }

// admit is idempotent: a node that asks again with its token is let in again
// without using up another of the token's uses.
func (s *State) admit(c *AdmitNode) Outcome {
	if r := s.MayAdmit(c); r != nil {
		return rejected(r)
	}
	t := s.Tokens[c.Token]
	if s.admittedBy(t, c.Node) {
		s.Nodes[c.Node].Address = c.Address
		s.certified(c.Node, c.Authority)
		return Outcome{Owner: t.Owner}
	}
	t.Uses--
	if t.Nodes == nil {
		t.Nodes = map[NodeID]bool{}
	}
	t.Nodes[c.Node] = true
	if o := s.owner(t.Owner); t.Prior != 0 {
		o.Prior = t.Prior
	}
	if n := s.Nodes[c.Node]; n != nil { // it was removed
		n.Ended, n.Address, n.Member = nil, c.Address, t.Member
		s.certified(c.Node, c.Authority)
		s.cuts++
		return Outcome{Owner: t.Owner}
	}
	s.addNode(c.Node, &Node{Role: c.Role, Owner: t.Owner, Address: c.Address, Admitted: s.Now, Short: s.can(VersionStrangers) && !c.Long, Member: t.Member})
	s.certified(c.Node, c.Authority)
	s.review()
	return Outcome{Owner: t.Owner}
}
