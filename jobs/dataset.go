package jobs

import (
	"math/bits"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Dataset is a blob that coordinators hold until nobody claims it any more: it was
// put once and serves many jobs.
type Dataset struct {
	// Size is in bytes: as the blob's manifest says once it is Known, before that
	// the largest that is claimed.
	Size    int64   `cbor:"1,keyasint"`
	Known   bool    `cbor:"5,keyasint,omitempty"` // a coordinator has seen the manifest
	Claims  []Claim `cbor:"2,keyasint"`           // by different owners, oldest first
	Holders uint64  `cbor:"4,keyasint,omitempty"` // coordinators that have all of it
}

// Claim says that an owner wants a blob kept.
type Claim struct {
	Owner OwnerID `cbor:"1,keyasint"`
	Name  string  `cbor:"2,keyasint,omitempty"` // for people
	At    Time    `cbor:"3,keyasint"`
	Size  int64   `cbor:"4,keyasint"` // in bytes, as the owner says; a wrong one costs the claim
	// Provider is where it can be had from the owner, HOST:PORT.
	Provider string `cbor:"5,keyasint,omitempty"`
	// Unproven: the owner could not read the blob when it claimed it, and has not proved
	// yet that it has it.
	Unproven bool `cbor:"45,keyasint,omitempty"`
	// Shared are the owners that may read it besides, see ShareBlob. It is not written to.
	Shared []OwnerID `cbor:"46,keyasint,omitempty"`
	// Node is the one that serves it there; older rules do not say.
	Node NodeID `cbor:"75,keyasint,omitempty"`
}

// Source is where a blob can be had from outside of the coordinators.
type Source struct {
	Node    NodeID // that is there; empty: not known
	Address string // HOST:PORT
}

const (
	// maxDatasets bounds the datasets of one owner.
	maxDatasets = 4096
	// maxClaims bounds the owners that claim one blob.
	maxClaims = 64
	// MaxBlobName bounds the name of one, in bytes.
	MaxBlobName = 128
	// claimTime is for how long a claim stands while no coordinator has the blob.
	claimTime = 24 * time.Hour
)

// KeepBlob claims a blob in the name of a node's owner. Said again, it tells
// where the blob is now, and that the claim is meant: one of a blob that no
// coordinator has got goes after a day.
type KeepBlob struct {
	Blob     blob.Ref `cbor:"1,keyasint"`
	Name     string   `cbor:"2,keyasint,omitempty"`
	By       NodeID   `cbor:"3,keyasint"`
	Provider string   `cbor:"4,keyasint,omitempty"`
	// Room is how many bytes all datasets together may have, by the leader's disk.
	Room int64 `cbor:"5,keyasint"`
}

// DropBlob takes back the claim of a node's owner; an operator takes back all.
type DropBlob struct {
	Blob blob.ID `cbor:"1,keyasint"`
	By   NodeID  `cbor:"2,keyasint"`
}

// Copies is the number of coordinators that hold all of it.
func (d *Dataset) Copies() int { return bits.OnesCount64(d.Holders) }

// Proven says whether somebody's claim of it stands.
func (d *Dataset) Proven() bool {
	return slices.ContainsFunc(d.Claims, func(c Claim) bool { return !c.Unproven })
}

// Providers are where its claimers serve it, the oldest claim first.
func (d *Dataset) Providers() []Source {
	var list []Source
	for _, c := range d.Claims {
		if s := (Source{c.Node, c.Provider}); c.Provider != "" && !c.Unproven && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// Owners are those who claim it, the oldest claim first.
func (d *Dataset) Owners() []OwnerID {
	list := make([]OwnerID, len(d.Claims))
	for i, c := range d.Claims {
		list[i] = c.Owner
	}
	return list
}

// Claimed is when it was last claimed.
func (d *Dataset) Claimed() (last Time) {
	for _, c := range d.Claims {
		last = max(last, c.At)
	}
	return last
}

// HoldsDataset says whether a coordinator has confirmed to hold a dataset.
func (s *State) HoldsDataset(d *Dataset, id NodeID) bool { return d.Holders&s.holderBit(id) != 0 }

// claimOf is the position of an owner's claim, or -1.
func (d *Dataset) claimOf(owner OwnerID) int {
	return slices.IndexFunc(d.Claims, func(c Claim) bool { return c.Owner == owner })
}

// ClaimedBy says whether a node's owner claims a blob of this size already.
func (s *State) ClaimedBy(by NodeID, ref blob.Ref) bool {
	n, d := s.Nodes[by], s.Datasets[ref.ID]
	if n == nil || d == nil {
		return false
	}
	at := d.claimOf(n.Owner)
	return at >= 0 && d.Claims[at].Size == ref.Size
}

// IsBlobName tells whether a dataset can be called so.
func IsBlobName(name string) bool {
	return len(name) <= MaxBlobName && !strings.ContainsFunc(name, unicode.IsControl)
}

func (s *State) keepBlob(c *KeepBlob) Outcome {
	n := s.Nodes[c.By]
	switch {
	case n == nil:
		return rejected(reject(Denied, "UNKNOWN_NODE", "node "+c.By.Short(), "it is not admitted to this grid").next("join it with a token: `anthill join`"))
	case c.Blob.ID.IsZero():
		return rejected(invalid("blob", "there is none"))
	case !IsBlobName(c.Name):
		return rejected(invalid("name", "%.40q is not a name", c.Name).next("use at most 128 bytes, on one line"))
	}
	if s.Denies(c.Blob.ID) {
		return rejected(s.denied("blob", c.Blob.ID))
	}
	d := s.Datasets[c.Blob.ID]
	sees := d != nil && (!s.can(VersionStrangers) || s.MayRead(c.By, c.Blob.ID))
	if sees && d.Known && d.Size != c.Blob.Size {
		return rejected(invalid("blob", "blob %s has %d bytes, not %d", c.Blob.ID.Short(), d.Size, c.Blob.Size))
	}
	if d == nil || d.claimOf(n.Owner) < 0 {
		if s.datasetsOf(n.Owner) >= maxDatasets {
			return rejected(reject(Precondition, "TOO_MANY_BLOBS", "owner "+string(n.Owner), "the grid keeps %d blobs for it already", maxDatasets).
				next("drop some: `anthill blobs drop BLOB`"))
		}
		if d != nil && len(d.Claims) >= maxClaims {
			return rejected(reject(Precondition, "TOO_MANY_CLAIMS", "blob "+c.Blob.ID.Short(), "%d owners claim it already", maxClaims).
				next("use it as it is: it stays while one of them keeps it"))
		}
	}
	if r := s.overShare(n, c.Blob, c.Room); r != nil {
		return rejected(r)
	}
	if d == nil {
		d = &Dataset{}
		s.Datasets[c.Blob.ID] = d
	}
	claim := Claim{Owner: n.Owner, Name: c.Name, At: s.Now, Size: c.Blob.Size, Provider: c.Provider}
	if s.can(VersionStrangers) {
		claim.Unproven = !s.MayRead(c.By, c.Blob.ID)
	}
	if s.can(VersionStrangers) && c.Provider != "" {
		claim.Node = c.By
	}
	d.claim(claim)
	d.estimate()
	return Outcome{}
}

// claim adds a claim, or renews that of the same owner.
func (d *Dataset) claim(c Claim) {
	at := d.claimOf(c.Owner)
	if at < 0 {
		d.Claims = append(d.Claims, c)
		return
	}
	if c.Provider == "" {
		c.Provider, c.Node = d.Claims[at].Provider, d.Claims[at].Node
	}
	c.Shared = d.Claims[at].Shared
	d.Claims[at] = c
}

// estimate makes the largest claim the size of a blob that nobody has seen yet.
func (d *Dataset) estimate() {
	if d.Known {
		return
	}
	d.Size = 0
	for _, c := range d.Claims {
		d.Size = max(d.Size, c.Size)
	}
}

// settleSize notes the size that a blob's manifest gives. Claims of another size
// were wrong, and go.
func (s *State) settleSize(ref blob.Ref) {
	d := s.Datasets[ref.ID]
	if d == nil || d.Known {
		return
	}
	d.Size, d.Known = ref.Size, true
	d.Claims = slices.DeleteFunc(d.Claims, func(c Claim) bool { return c.Size != ref.Size && !c.Unproven })
	if len(d.Claims) == 0 {
		delete(s.Datasets, ref.ID)
	}
}

// stale says whether a claim is too old for a blob that nobody has brought.
func (d *Dataset) stale(c Claim, at Time) bool {
	return (d.Holders == 0 || c.Unproven) && c.At.Add(claimTime) <= at
}

// dropStale takes back the claims of blobs that were announced and never came.
func (s *State) dropStale() {
	for id, d := range s.Datasets {
		d.Claims = slices.DeleteFunc(d.Claims, func(c Claim) bool { return d.stale(c, s.Now) })
		d.estimate()
		if len(d.Claims) == 0 {
			delete(s.Datasets, id)
		}
	}
}

// datasetsOf counts the datasets that an owner claims.
func (s *State) datasetsOf(owner OwnerID) (count int) {
	for _, d := range s.Datasets {
		if d.claimOf(owner) >= 0 {
			count++
		}
	}
	return count
}

func (s *State) dropBlob(c *DropBlob) Outcome {
	d, n := s.Datasets[c.Blob], s.Nodes[c.By]
	switch {
	case d == nil:
		return rejected(UnknownBlob(c.Blob))
	case s.namedBy(n, c.Blob) != "":
		name := s.namedBy(n, c.Blob)
		return rejected(reject(Precondition, "NAMED_BLOB", "blob "+c.Blob.Short(), "it is the runtime %s", name).next("take the name back first: `anthill runtime rm " + name + "`"))
	case n != nil && n.Role == Operator:
		d.Claims = nil
	case n == nil || d.claimOf(n.Owner) < 0:
		return rejected(reject(Denied, "NOT_YOUR_BLOB", "blob "+c.Blob.Short(), "it is kept for others").next("ask an operator of the grid"))
	default:
		at := d.claimOf(n.Owner)
		d.Claims = slices.Delete(d.Claims, at, at+1)
		d.estimate()
	}
	if len(d.Claims) == 0 {
		delete(s.Datasets, c.Blob)
	}
	return Outcome{}
}

// UnknownBlob is the rejection of what names a blob that the grid does not keep.
func UnknownBlob(id blob.ID) *Rejection {
	return reject(NotFound, "UNKNOWN_BLOB", "blob "+id.Short(), "the grid keeps no blob with this id").next("`anthill blobs` lists yours; `anthill put FILE` adds one")
}

// lose takes a holder out. Losing the last one gives the claims one more day to
// supply the blob before they expire.
func (d *Dataset) lose(bit uint64, now Time) {
	last := d.Holders == bit
	d.Holders &^= bit
	for i := range d.Claims {
		if last {
			d.Claims[i].At = now
		}
	}
}
