package jobs

import (
	"fmt"

	"github.com/anthill-grid/anthill/internal/blob"
)

// MaxEvidence bounds the manifest of a proof: more has no room in a log entry.
const MaxEvidence = 256 << 10

// convict is the rule for evidence: whose node has signed that it sent a wrong piece is
// banned, whoever brings that. Nobody else can have signed it, and who sends what is right
// never signs it; so one proof is enough, and everybody who has it finds the same.
func (s *State) convict(h *hearing, proof *blob.Misserved) {
	owner, r := s.Convicts(proof)
	if r != nil {
		return
	}
	served := proof.Served
	s.Owners[owner].Proof = &served
	s.ban(h, owner, fmt.Sprintf("signed wrong bytes as piece %d of blob %s", served.Piece, served.Blob.Short()))
}

// Convicts is whom a proof gets banned, or why it is none.
func (s *State) Convicts(proof *blob.Misserved) (OwnerID, *Rejection) {
	if !s.can(VersionThinkers) {
		return "", reject(Precondition, "OLD_COORDINATORS", "grid", "some of its coordinators are too old for signed evidence").next("upgrade them")
	}
	if len(proof.Manifest) > MaxEvidence {
		return "", invalid("proof", "its manifest has %d bytes, more than %d", len(proof.Manifest), MaxEvidence)
	}
	node, err := proof.Culprit()
	if err != nil {
		return "", invalid("proof", "%v", err)
	}
	n := s.Nodes[NodeID(node)]
	if n == nil || n.Role == Coordinator || n.Owner == OperatorOwner {
		return "", reject(Precondition, "NOT_BANNABLE", "node "+node, "it is no node of an owner that can be banned")
	}
	switch o := s.Owners[n.Owner]; {
	case o.Banned != "":
		return "", reject(Precondition, "ALREADY_BANNED", "owner "+string(n.Owner), "it is banned")
	case Time(proof.Served.At) <= o.Pardoned:
		return "", reject(Precondition, "PARDONED", "owner "+string(n.Owner), "its ban was lifted since then")
	}
	return n.Owner, nil
}
