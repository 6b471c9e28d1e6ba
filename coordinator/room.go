package coordinator

import (
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// keptShare is the part of a coordinator's disk, one in so many, that is for
	// kept blobs.
	keptShare = 2
	// resultShare is the part that inputs and kept blobs leave free for results.
	resultShare = 8
)

// KeptRoom implements rpc.Results.
func (k *keeper) KeptRoom() int64 { return k.store.Capacity() / keptShare }

// Room implements rpc.Results.
func (k *keeper) Room(refs []blob.Ref) error {
	more := map[blob.ID]int64{}
	k.expect(more, refs)
	if len(more) == 0 {
		return nil
	}
	k.expect(more, k.charged())
	sum := k.store.Capacity() / resultShare
	for _, n := range more {
		sum += n
	}
	return k.store.Room(sum)
}

// charged are the blobs of all running jobs, and those that are kept.
func (k *keeper) charged() (refs []blob.Ref) {
	k.replica.View(func(s *jobs.State) {
		for _, id := range s.Running() {
			refs = append(refs, s.Jobs[id].Spec.Blobs()...)
		}
		for id, b := range s.Blobs {
			refs = append(refs, blob.Ref{ID: id, Size: b.Size})
		}
	})
	return refs
}

// expect notes what is still to come of blobs, in bytes.
func (k *keeper) expect(more map[blob.ID]int64, refs []blob.Ref) {
	for _, r := range refs {
		if n := k.lacking(r); n > 0 {
			more[r.ID] = max(more[r.ID], n)
		}
	}
}

// lacking is how much of a blob is not here: all of what is claimed, until its
// manifest tells.
func (k *keeper) lacking(r blob.Ref) int64 {
	if k.store.Complete(r.ID) {
		return 0
	}
	m, have, err := k.store.Have(r.ID)
	if err != nil {
		return r.Size
	}
	n := m.Size
	for i := range m.Pieces {
		if have.Has(i) {
			n -= m.PieceLen(i)
		}
	}
	return n
}
