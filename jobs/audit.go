package jobs

import "time"

// Entry is one administrative act in the grid's record of them.
type Entry struct {
	At Time `cbor:"1,keyasint"`
	// By is the node of who did it, and Owner its owner; both are empty where the rules
	// did.
	By      NodeID  `cbor:"2,keyasint,omitempty"`
	Owner   OwnerID `cbor:"3,keyasint,omitempty"`
	Act     Act     `cbor:"4,keyasint"`
	Subject string  `cbor:"5,keyasint,omitempty"`
	Why     string  `cbor:"6,keyasint,omitempty"` // as who did it said
}

// Act names a kind of administrative act, for people and for programs.
type Act string

// The acts.
const (
	ActTokenCreated    Act = "token created"
	ActTokenRevoked    Act = "token revoked"
	ActNodeRemoved     Act = "node removed"
	ActNodeRevoked     Act = "node revoked"
	ActOwnerBanned     Act = "owner banned"
	ActOwnerUnbanned   Act = "owner unbanned"
	ActOwnerChanged    Act = "owner changed"
	ActDenied          Act = "deny list changed"
	ActAuthorityBegun  Act = "authority rotation begun"
	ActAuthorityEnded  Act = "authority rotation finished"
	ActAuthorityUndone Act = "authority rotation undone"
)

const (
	// recordLife is how long acts are kept, and maxRecord how many of them: the oldest
	// go first.
	recordLife = 365 * 24 * time.Hour
	maxRecord  = 10_000
	// MaxWhy bounds what is said of one, in bytes.
	MaxWhy = 512
)

// note puts an act on the record. Nodes that the state does not know are the rules.
func (s *State) note(by NodeID, act Act, subject, why string) {
	if !s.can(VersionStrangers) {
		return
	}
	e := Entry{At: s.Now, By: by, Act: act, Subject: subject, Why: Shorten(why, MaxWhy)}
	if n := s.Nodes[by]; n != nil {
		e.Owner = n.Owner
	}
	old := 0
	for old < len(s.Record) && (s.Record[old].At.Add(recordLife) <= s.Now || len(s.Record)-old >= maxRecord) {
		old++
	}
	s.Record = append(s.Record[old:], e)
}
