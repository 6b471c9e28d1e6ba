package jobs

import (
	"maps"
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
)

// A blob's id is a name, and not a right. Who may read a blob follows from what its owner
// keeps, and runs or has run: but only in so far as it could read the blob when it named
// it, or has proved since that it has it. Otherwise whoever learns an id, or guesses what
// somebody's answer is, would only have to name it.

// MayRead says whether a node may read a blob: coordinators and operators all, workers
// what jobs read of which they hold leases, and everybody what its owner may.
func (s *State) MayRead(node NodeID, id blob.ID) bool {
	n := s.Nodes[node]
	switch {
	case n == nil || s.ShutOut(node) != "":
		return false
	case n.Role == Coordinator || n.Role == Operator:
		return true
	case n.Role == Worker && s.leased(node, id):
		return true
	}
	if d := s.Datasets[id]; d != nil && d.readableBy(n.Owner) {
		return true // that is common, and costs little
	}
	return s.readable(n.Owner, map[blob.ID]bool{id: false})[id]
}

// leased says whether a worker holds a lease of a job that reads a blob.
func (s *State) leased(worker NodeID, id blob.ID) bool {
	var last JobID
	for _, lease := range slices.Concat(s.LeasesOf(worker), s.SilentOf(worker)) {
		p, _, held := s.Lease(lease)
		if !held {
			p, _, held = s.Silent(lease)
		}
		if !held || p.Job == last {
			continue
		}
		last = p.Job
		if slices.ContainsFunc(s.Jobs[p.Job].Spec.Read(), func(r blob.Ref) bool { return r.ID == id }) {
			return true
		}
	}
	return false
}

// Read are the blobs that tasks read: all but the submitter's words about the input.
func (s Spec) Read() []blob.Ref {
	return slices.DeleteFunc(s.Blobs(), func(r blob.Ref) bool { return slices.Contains(s.Labels(), r) })
}

// readable notes which of these blobs an owner may read.
func (s *State) readable(owner OwnerID, wanted map[blob.ID]bool) map[blob.ID]bool {
	for id := range wanted {
		d := s.Datasets[id]
		wanted[id] = d != nil && d.readableBy(owner) || s.IsRuntime(owner, id)
	}
	for _, j := range s.Jobs {
		if j.Owner != owner {
			continue
		}
		for _, r := range j.Spec.Blobs() {
			if _, asked := wanted[r.ID]; asked && !slices.Contains(j.Unproven, r.ID) {
				wanted[r.ID] = true
			}
		}
	}
	return wanted
}

// readableBy says whether an owner may read it for its own sake.
func (d *Dataset) readableBy(owner OwnerID) bool {
	return slices.ContainsFunc(d.Claims, func(c Claim) bool { return !c.Unproven && c.Owner == owner || c.sharedWith(owner) })
}

// unproven are the blobs that a node names in a spec and may not read: it has to prove
// that it has them.
func (s *State) unproven(n *Node, spec Spec) (list []blob.ID) {
	if !s.can(VersionStrangers) || n.Role == Operator {
		return nil
	}
	wanted := map[blob.ID]bool{}
	for _, r := range spec.Blobs() {
		wanted[r.ID] = false
	}
	maps.DeleteFunc(s.readable(n.Owner, wanted), func(_ blob.ID, may bool) bool { return may })
	for _, r := range spec.Blobs() {
		if _, lacks := wanted[r.ID]; lacks && !slices.Contains(list, r.ID) {
			list = append(list, r.ID)
		}
	}
	return list
}

// ProvenBlobs says that whoever named blobs has proved to a coordinator that it has them:
// those of a job, or a dataset that an owner claims.
type ProvenBlobs struct {
	Job   JobID     `cbor:"1,keyasint,omitempty"`
	Owner OwnerID   `cbor:"2,keyasint,omitempty"` // of a claim, where there is no job
	Blobs []blob.ID `cbor:"3,keyasint"`
}

func (s *State) prove(p ProvenBlobs) {
	if j := s.Jobs[p.Job]; j != nil {
		left := slices.Clone(j.Unproven)
		j.Unproven = slices.DeleteFunc(left, func(id blob.ID) bool { return slices.Contains(p.Blobs, id) })
		return
	}
	for _, id := range p.Blobs {
		d := s.Datasets[id]
		if d == nil || d.claimOf(p.Owner) < 0 {
			continue
		}
		at := d.claimOf(p.Owner)
		if d.Claims[at].Unproven = false; d.Known && d.Claims[at].Size != d.Size {
			d.Claims = slices.Delete(d.Claims, at, at+1) // it was wrong, see settleSize
		}
	}
}
