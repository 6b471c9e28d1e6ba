package jobs

import (
	"fmt"

	"github.com/anthill-grid/anthill/internal/blob"
)

// How the disk of a coordinator is shared out: each is one part in so many.
const (
	// DatasetShare is the part of the disk that all datasets together may take.
	DatasetShare = 2
	// ownerShare is the part of that which one owner's datasets may take. Operators
	// may use all of it.
	ownerShare = 4
	// InputShare is the part of the disk that may be reserved for the inputs of one
	// owner's jobs: as much as its datasets may take.
	InputShare = DatasetShare * ownerShare
	// ResultShare is the part of the disk that inputs and datasets leave free for
	// results.
	ResultShare = 8
)

// overShare says why a blob may not be kept for a node's owner: the coordinators'
// disks must have room for other owners' blobs, and for jobs. What is claimed
// already may be claimed again, however full they are.
func (s *State) overShare(n *Node, ref blob.Ref, room int64) *Rejection {
	d := s.Datasets[ref.ID]
	if d == nil {
		d = &Dataset{}
	}
	own := int64(0)
	if at := d.claimOf(n.Owner); at >= 0 {
		own = d.Claims[at].Size
	}
	all, mine := s.datasetBytes(n.Owner)
	limit := room / ownerShare
	if more := ref.Size - own; more > 0 && s.can(VersionStrangers) {
		if r := s.over(n.Owner, ItemDatasets, more); r != nil {
			return r
		}
	}
	switch {
	case ref.Size > d.Size && all+ref.Size-d.Size > room:
		return reject(Exhausted, "KEPT_FULL", "blob "+ref.ID.Short(), "the grid keeps %s of datasets, and may keep %s in all: %s do not fit", bytesText(all), bytesText(room), bytesText(ref.Size)).
			next("drop what is not needed (`anthill blobs drop BLOB`), or ask the grid's operator for more disk")
	case n.Role != Operator && ref.Size > own && mine+ref.Size-own > limit:
		return reject(Exhausted, "SHARE_FULL", "owner "+string(n.Owner), "the grid keeps %s of datasets for it, and may keep %s for one owner: %s do not fit", bytesText(mine), bytesText(limit), bytesText(ref.Size)).
			next("drop what is not needed (`anthill blobs drop BLOB`), or ask an operator of the grid to put it")
	}
	return nil
}

// datasetBytes are the sizes of all datasets, and of those that an owner claims.
func (s *State) datasetBytes(owner OwnerID) (all, mine int64) {
	for _, d := range s.Datasets {
		all += d.Size
		if at := d.claimOf(owner); at >= 0 {
			mine += d.Claims[at].Size
		}
	}
	return all, mine
}

// bytesText writes a number of bytes for people.
func bytesText(n int64) string {
	for _, u := range []struct {
		name string
		unit int64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if n >= u.unit {
			return fmt.Sprintf("%d.%d %s", n/u.unit, n%u.unit*10/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}
