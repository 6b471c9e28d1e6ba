package jobs

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Everybody stands for all owners where a dataset is shared.
const Everybody OwnerID = "everybody"

// maxShares bounds the owners with whom one owner shares a dataset.
const maxShares = 64

// ShareBlob lets another owner, or Everybody, read a dataset that a node's owner keeps,
// for as long as the owner keeps it. Jobs that have named it meanwhile go on.
type ShareBlob struct {
	Blob blob.ID `cbor:"1,keyasint"`
	By   NodeID  `cbor:"2,keyasint"`
	With OwnerID `cbor:"3,keyasint"`
	Stop bool    `cbor:"4,keyasint,omitempty"`
}

func (s *State) shareBlob(c *ShareBlob) Outcome {
	d, n := s.Datasets[c.Blob], s.Nodes[c.By]
	if d == nil || n == nil || d.claimOf(n.Owner) < 0 || d.Claims[d.claimOf(n.Owner)].Unproven {
		return rejected(UnknownBlob(c.Blob))
	}
	claim := &d.Claims[d.claimOf(n.Owner)]
	at := slices.Index(claim.Shared, c.With)
	switch {
	case c.With == "" || len(c.With) > 64:
		return rejected(invalid("with", "%.70q is not an owner", c.With).next("name an owner, or everybody"))
	case c.Stop && at < 0:
		return rejected(reject(Precondition, "NOT_SHARED", "blob "+c.Blob.Short(), "it is not shared with %s", c.With))
	case c.Stop:
		claim.Shared = slices.Delete(slices.Clone(claim.Shared), at, at+1)
	case at >= 0:
	case len(claim.Shared) >= maxShares:
		return rejected(reject(Precondition, "TOO_MANY_SHARES", "blob "+c.Blob.Short(), "it is shared with %d owners already", maxShares).next("share it with everybody"))
	default:
		claim.Shared = append(slices.Clone(claim.Shared), c.With)
	}
	return Outcome{}
}

// sharedWith says whether the claim lets an owner read the dataset.
func (c *Claim) sharedWith(owner OwnerID) bool {
	return !c.Unproven && (slices.Contains(c.Shared, owner) || slices.Contains(c.Shared, Everybody))
}

// SharedWith says whether somebody shares the dataset with an owner.
func (d *Dataset) SharedWith(owner OwnerID) bool {
	return slices.ContainsFunc(d.Claims, func(c Claim) bool { return c.sharedWith(owner) })
}
