package jobs

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
}

// Node is an enrolled node.
type Node struct {
	Role     Role    `cbor:"1,keyasint"`
	Owner    OwnerID `cbor:"2,keyasint"`
	Address  string  `cbor:"3,keyasint,omitempty"`
	Admitted Time    `cbor:"4,keyasint"`
	// Reliability is the share of its latest attempts that ended with a vote.
	Reliability Prob `cbor:"5,keyasint,omitempty"`
	// Number is a worker's place in State.Numbered, counted from 1.
	Number uint32 `cbor:"6,keyasint,omitempty"`
}

// Owner is what the grid knows of who stands behind nodes.
type Owner struct {
	Agreed   uint64 `cbor:"1,keyasint,omitempty"` // votes for accepted results
	Outvoted uint64 `cbor:"2,keyasint,omitempty"` // votes against them
	Banned   string `cbor:"3,keyasint,omitempty"` // why; empty: he is not
	// Checks counts the checks that he survived since the last doubt.
	Checks uint64 `cbor:"4,keyasint,omitempty"`
	Doubts uint32 `cbor:"5,keyasint,omitempty"`
	// Credit counts accepted results that he voted for.
	Credit uint64 `cbor:"6,keyasint,omitempty"`
	// Fuel is what those results took.
	Fuel FuelSum `cbor:"20,keyasint"`
	// Prior is the probability that he is a saboteur; zero: the grid's.
	Prior Prob `cbor:"7,keyasint,omitempty"`
	// Accusers are owners to whom he served wrong bytes, as they say.
	Accusers []Accuser `cbor:"8,keyasint,omitempty"`

	// Derived, see State.Reindex: his place in byNumber, and whether he has
	// workers.
	number uint32
	works  bool
}

// Accuser is one who says that he was sent wrong bytes.
type Accuser struct {
	Owner OwnerID `cbor:"1,keyasint"`
	At    Time    `cbor:"2,keyasint"`
}

// deliver and stumble keep a worker's reliability, a moving average: some
// sixteen attempts with a vote mend what eight without one have broken.
func (n *Node) deliver() { n.Reliability += (One - n.Reliability) / 16 }

func (n *Node) stumble() { n.Reliability -= n.Reliability / 8 }

// OperatorOwner owns what FoundGrid admits.
const OperatorOwner OwnerID = "operator"

// maxUses bounds how many nodes one token admits.
const maxUses = 1_000_000

// misbehaves is the rule by which an owner is banned: at least three of his
// votes, and at least a tenth of them, were outvoted by a quorum. A single
// stray mismatch among good votes (a bad memory module) does not ban.
func (o *Owner) misbehaves() bool {
	return o.Outvoted >= 3 && 10*o.Outvoted >= o.Agreed+o.Outvoted
}

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

// owner is the record of an owner, who is made known if he is not.
func (s *State) owner(id OwnerID) *Owner {
	if s.Owners[id] == nil {
		s.Owners[id] = &Owner{}
		s.number(s.Owners[id])
	}
	return s.Owners[id]
}

func (s *State) number(o *Owner) {
	o.number, o.works = uint32(len(s.byNumber)), false
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

func (s *State) addNode(id NodeID, n *Node) {
	s.Nodes[id] = n
	if n.Role == Worker {
		s.Numbered = append(s.Numbered, id)
		n.Number, n.Reliability = uint32(len(s.Numbered)), One
		s.enlist(s.Owners[n.Owner])
	}
	if n.Role == Coordinator && s.holderBit(id) == 0 && len(s.Holders) < 64 {
		before := s.CopiesNeeded()
		s.Holders = append(s.Holders, id)
		if s.CopiesNeeded() > before {
			s.unholdScarce()
		}
	}
}

func (s *State) createToken(c *CreateToken) Outcome {
	switch {
	case c.Role < Coordinator || c.Role > Operator:
		return rejected(invalid("role", "%v cannot join", c.Role).next("use coordinator, worker or submitter"))
	case c.Expires <= s.Now:
		return rejected(invalid("lifetime", "it has ended already").next("give a positive lifetime"))
	case c.Uses == 0 || c.Uses > maxUses:
		return rejected(invalid("uses", "%d is not between 1 and %d", c.Uses, maxUses))
	case len(c.Owner) > 64:
		return rejected(invalid("owner", "the name has %d bytes, more than 64", len(c.Owner)))
	case c.Owner == OperatorOwner && c.Role == Worker: // a ban would hit the coordinators
		return rejected(invalid("owner", "%q cannot own workers", c.Owner).next("use another name"))
	case c.Prior < 0 || c.Prior > MaxPrior:
		return rejected(invalid("prior", "%v is not between 0 and %v", c.Prior, MaxPrior).next("give the probability that the owner is a saboteur, such as 0.01 for machines of your own"))
	case c.Prior != 0 && c.Role != Worker:
		return rejected(invalid("prior", "it is for workers, not for a %v", c.Role).next("leave it out"))
	case s.Tokens[c.Token] != nil:
		return rejected(reject(Precondition, "TOKEN_EXISTS", "token", "it exists already"))
	}
	owner := c.Owner
	if owner == "" {
		owner = OwnerID("token-" + string(c.Token[:min(8, len(c.Token))]))
	}
	s.Tokens[c.Token] = &Token{Role: c.Role, Expires: c.Expires, Uses: c.Uses, Owner: owner, Prior: c.Prior}
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
	s.addNode(c.Node, &Node{Role: c.Role, Owner: t.Owner, Address: c.Address, Admitted: s.Now})
	s.review()
	return Outcome{Owner: t.Owner}
}

func (s *State) banned(id OwnerID) bool {
	o := s.Owners[id]
	return o != nil && o.Banned != ""
}

// BannedNode says why a node may not take part, or "". A ban leaves an owner's
// coordinators in: they are run by the grid's operators, and without them its results
// are nowhere safe.
func (s *State) BannedNode(id NodeID) string {
	n := s.Nodes[id]
	if n == nil || n.Role == Coordinator || s.Owners[n.Owner] == nil {
		return ""
	}
	return s.Owners[n.Owner].Banned
}
