package jobs

import (
	"bytes"
	"fmt"
	"slices"
)

// maxCertificate bounds the certificate of an authority, in bytes.
const maxCertificate = 2 << 10

// Authority is one whose certificates nodes show each other, see package identity. Its key
// is in no log.
type Authority struct {
	// Number tells it from those before and after it; 0: that of the founding.
	Number uint64 `cbor:"1,keyasint,omitempty"`
	// Certificate is its own, in DER; empty: that of the founding, before it was first to
	// be followed by another.
	Certificate []byte `cbor:"2,keyasint,omitempty"`
}

// Authorities are those that nodes trust: the present one and, during a rotation, the next.
type Authorities struct {
	Present Authority `cbor:"1,keyasint"`
	// Next is to follow; nil: none is.
	Next *Succession `cbor:"2,keyasint,omitempty"`
	// Serial counts the changes of all this.
	Serial uint64 `cbor:"3,keyasint"`
}

// Succession is how far the next authority is.
type Succession struct {
	Authority Authority `cbor:"1,keyasint"`
	Begun     Time      `cbor:"2,keyasint"`
	// Ready is since when all coordinators have its key. From then on it certifies nodes.
	Ready Time `cbor:"3,keyasint,omitempty"`
	// Gone are coordinators that were ended since it was made, and may have its key.
	Gone []NodeID `cbor:"4,keyasint,omitempty"`
}

// Step is one of a rotation.
type Step uint8

// The steps: a rotation is begun by operators, and finished or undone by them. In between
// the leader says when all coordinators have the key.
const (
	BeginRotation  Step = 1
	ReadyRotation  Step = 2
	FinishRotation Step = 3
	UndoRotation   Step = 4
)

// RotateAuthority has another authority follow the present one, step by step.
type RotateAuthority struct {
	Step Step   `cbor:"1,keyasint"`
	By   NodeID `cbor:"2,keyasint"`
	// Present and Next are certificates in DER, for the first step.
	Present []byte `cbor:"3,keyasint,omitempty"`
	Next    []byte `cbor:"4,keyasint,omitempty"`
	// Number is that of the next authority, for the steps after the first.
	Number uint64 `cbor:"5,keyasint,omitempty"`
	// Force finishes although nodes would be left behind that are no coordinators.
	Force bool   `cbor:"6,keyasint,omitempty"`
	Why   string `cbor:"7,keyasint,omitempty"`
}

// Authority is the one of which tokens are made and new nodes are: the present one or, once
// it is ready, the next.
func (s *State) Authority() Authority {
	switch a := s.Authorities; {
	case a == nil:
		return Authority{}
	case a.Next != nil && a.Next.Ready != 0:
		return a.Next.Authority
	default:
		return a.Present
	}
}

// Succession is the rotation that is under way; nil: none is.
func (s *State) Succession() *Succession {
	if s.Authorities == nil {
		return nil
	}
	return s.Authorities.Next
}

// Rotations is Authorities.Serial.
func (s *State) Rotations() uint64 {
	if s.Authorities == nil {
		return 0
	}
	return s.Authorities.Serial
}

// Laggards are nodes that have no certificate of the next authority.
type Laggards struct {
	Coordinators []NodeID
	Awake        []NodeID // of the others, those that were there lately
	// Asleep were not there for longer than CertificateLife: whatever is done, they show
	// that they have their keys, and need an authority that they trust.
	Asleep []NodeID
}

// Laggards are those that would be left behind if the rotation were finished now, in order.
func (s *State) Laggards() (l Laggards) {
	next := s.Succession()
	if next == nil {
		return l
	}
	for _, id := range sortedKeys(s.Nodes) {
		switch n := s.Nodes[id]; {
		case n.Ended != nil || s.ShutOut(id) != "" || n.Authority == next.Authority.Number:
		case n.Role == Coordinator:
			l.Coordinators = append(l.Coordinators, id)
		case n.lastSeen().Add(CertificateLife) > s.Now:
			l.Awake = append(l.Awake, id)
		default:
			l.Asleep = append(l.Asleep, id)
		}
	}
	return l
}

// MayRotate says why a step is not taken, or nil.
func (s *State) MayRotate(c *RotateAuthority) *Rejection {
	const subject = "rotation"
	next := s.Succession()
	switch {
	case !s.can(VersionYears):
		return reject(Precondition, "RULES_TOO_OLD", subject, "some of the grid's coordinators are too old for it").next("upgrade the grid's coordinators")
	case len(c.Why) > MaxWhy:
		return invalid("reason", "it has %d bytes, more than %d", len(c.Why), MaxWhy)
	case c.Step == BeginRotation && next != nil:
		return reject(Precondition, "ROTATION_BEGUN", subject, "one is under way since %s", next.Begun.Std().Format("2006-01-02 15:04:05 MST")).next("finish or undo it first: `anthill ca show` tells how far it is")
	case c.Step == BeginRotation:
		return s.mayBegin(c)
	case next == nil:
		return reject(Precondition, "NO_ROTATION", subject, "none is under way").next("begin one: `anthill ca rotate`")
	case c.Number != next.Authority.Number:
		return reject(Precondition, "ANOTHER_ROTATION", subject, "another one has begun meanwhile").next("look at it: `anthill ca show`")
	case c.Step == ReadyRotation:
		return s.mayBeReady()
	case c.Step == FinishRotation:
		return s.mayFinish(c)
	case c.Step != UndoRotation:
		return invalid("step", "%d is none of a rotation", c.Step)
	}
	return nil
}

func (s *State) mayBegin(c *RotateAuthority) *Rejection {
	for i, der := range [][]byte{c.Present, c.Next} {
		if len(der) == 0 || len(der) > maxCertificate {
			return invalid([]string{"present", "next"}[i], "the certificate has %d bytes, not between 1 and %d", len(der), maxCertificate)
		}
	}
	if a := s.Authorities; a != nil && len(a.Present.Certificate) > 0 && !bytes.Equal(a.Present.Certificate, c.Present) || bytes.Equal(c.Present, c.Next) {
		return reject(Precondition, "ANOTHER_AUTHORITY", "rotation", "the coordinator that begins it has another authority than the grid").next("try again at another coordinator")
	}
	return nil
}

// mayBeReady looks for coordinators without the key: those with it have each certified
// itself.
func (s *State) mayBeReady() *Rejection {
	switch behind := s.Laggards().Coordinators; {
	case s.Authorities.Next.Ready != 0:
		return reject(Precondition, "READY", "rotation", "it is ready already")
	case len(behind) > 0:
		return reject(Precondition, "KEY_MISSING", "rotation", "%s: the next authority's key is not there", s.list(behind))
	}
	return nil
}

func (s *State) mayFinish(c *RotateAuthority) *Rejection {
	next, behind := s.Authorities.Next, s.Laggards()
	switch {
	case len(next.Gone) > 0:
		return reject(Precondition, "KEY_LEFT", "rotation", "%s left the grid since it began, and may have the next authority's key", s.list(next.Gone)).
			next("undo it with `anthill ca rotate --undo`, and begin another")
	case next.Ready == 0:
		return reject(Precondition, "NOT_READY", "rotation", "not all coordinators have the next authority's key").
			next("wait, and look who has not: `anthill ca show`; start them, or remove them with `anthill coordinator rm`")
	case len(behind.Coordinators) > 0:
		return reject(Precondition, "COORDINATORS_BEHIND", "rotation", "%s would be left behind", s.list(behind.Coordinators)).
			next("wait; start those that are down, or remove them with `anthill coordinator rm`, and then undo and begin again")
	case len(behind.Awake) > 0 && !c.Force:
		return reject(Precondition, "NODES_BEHIND", "rotation", "%s have no certificate of the next authority yet, and were here in the last 30 days", s.list(behind.Awake)).
			next("wait until they come; or give --force, and they have to join anew with new tokens")
	}
	return nil
}

// list names some nodes, and counts the others.
func (s *State) list(ids []NodeID) string {
	const most = 5
	text := ""
	for i, id := range ids[:min(most, len(ids))] {
		if i > 0 {
			text += ", "
		}
		n := s.Nodes[id]
		text += fmt.Sprintf("%v %s of %s", n.Role, id.Short(), n.Owner)
	}
	if more := len(ids) - most; more > 0 {
		text += " and " + plural(more, "other")
	}
	return text
}

// Voided are the tokens that end with a step of the rotation that is under way, or that
// would with a first one: whoever has been let go may know those that are out, so they
// admit nobody to whom the next authority's key, or an operator's rights, would be given;
// and tokens name an authority, without which they are of no use.
func (s *State) Voided(step Step) (list []TokenID) {
	for _, id := range sortedKeys(s.Tokens) {
		t := s.Tokens[id]
		switch {
		case step == BeginRotation && (t.Role == Coordinator || t.Role == Operator),
			step == FinishRotation && t.Authority != s.Authorities.Next.Authority.Number,
			step == UndoRotation && t.Authority == s.Authorities.Next.Authority.Number:
			list = append(list, id)
		}
	}
	return list
}

func (s *State) rotate(c *RotateAuthority) Outcome {
	if r := s.MayRotate(c); r != nil {
		return rejected(r)
	}
	for _, id := range s.Voided(c.Step) {
		delete(s.Tokens, id)
	}
	if s.Authorities == nil {
		s.Authorities = &Authorities{}
	}
	a := s.Authorities
	a.Serial++
	switch c.Step {
	case BeginRotation:
		a.Present.Certificate = c.Present
		a.Next = &Succession{Authority: Authority{a.Serial, c.Next}, Begun: s.Now}
		s.note(c.By, ActAuthorityBegun, "", c.Why)
	case ReadyRotation:
		a.Next.Ready = s.Now
	case FinishRotation:
		a.Present, a.Next = a.Next.Authority, nil
		s.note(c.By, ActAuthorityEnded, "", c.Why)
	case UndoRotation:
		a.Next = nil
		s.note(c.By, ActAuthorityUndone, "", c.Why)
	}
	return Outcome{}
}

// certified notes that a node has a certificate of the authority with this number.
func (s *State) certified(id NodeID, authority uint64) {
	if n := s.Nodes[id]; n != nil && s.numbered(authority) {
		n.Authority = authority
	}
}

// numbered says whether an authority that nodes trust has this number.
func (s *State) numbered(authority uint64) bool {
	a := s.Authorities
	return a != nil && (authority == a.Present.Number || a.Next != nil && authority == a.Next.Authority.Number)
}

// keyGone notes that a coordinator has left which may have the next authority's key.
func (s *State) keyGone(id NodeID) {
	if next := s.Succession(); next != nil {
		next.Gone = append(slices.Clone(next.Gone), id)
	}
}
