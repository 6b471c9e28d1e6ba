package coordinator

import (
	"math/rand/v2"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// maxProviders bounds the providers that come with a lease.
const maxProviders = 8

// tracker knows which workers have pieces of which blobs, as their last
// heartbeats said. It is soft state: a new leader learns it within a second.
type tracker struct {
	byBlob map[blob.ID]map[jobs.NodeID]bool
	byNode map[jobs.NodeID][]blob.ID
	// shares tell what nodes have of some of them. A node's map is replaced and
	// never changed.
	shares map[jobs.NodeID]map[blob.ID]blob.Share
}

func newTracker() *tracker {
	return &tracker{
		byBlob: map[blob.ID]map[jobs.NodeID]bool{}, byNode: map[jobs.NodeID][]blob.ID{},
		shares: map[jobs.NodeID]map[blob.ID]blob.Share{},
	}
}

// announce replaces what is known of a node.
func (t *tracker) announce(id jobs.NodeID, blobs []blob.ID, shares []blob.Share) {
	t.forget(id)
	t.byNode[id] = blobs
	t.shares[id] = map[blob.ID]blob.Share{}
	for i, s := range shares {
		if len(s) > 0 {
			t.shares[id][blobs[i]] = s
		}
	}
	for _, b := range blobs {
		if t.byBlob[b] == nil {
			t.byBlob[b] = map[jobs.NodeID]bool{}
		}
		t.byBlob[b][id] = true
	}
}

func (t *tracker) forget(id jobs.NodeID) {
	for _, b := range t.byNode[id] {
		delete(t.byBlob[b], id)
		if len(t.byBlob[b]) == 0 {
			delete(t.byBlob, b)
		}
	}
	delete(t.byNode, id)
	delete(t.shares, id)
}

// near is placement.Near by what is known now of these workers.
func (t *tracker) near(offers []placement.Offer) placement.Near {
	shares := map[jobs.NodeID]map[blob.ID]blob.Share{}
	for _, o := range offers {
		shares[o.Worker] = t.shares[o.Worker]
	}
	return func(worker jobs.NodeID, j *jobs.Job, place uint32) bool {
		in := j.Spec.Input.Blob
		share, known := shares[worker][in.Blob.ID]
		if !known {
			return false
		}
		off, size := in.Extent(j.TaskAt(place), int64(j.Total()))
		m := blob.Manifest{Size: in.Blob.Size, PieceSize: blob.PieceSize(in.Blob.Size)}
		first, end := m.Covering(off, size)
		return share.Covers(m.Count(), first, end)
	}
}

// having are the nodes that have pieces of any of these blobs, in random order.
func (t *tracker) having(refs []blob.Ref) []jobs.NodeID {
	seen := map[jobs.NodeID]bool{}
	var nodes []jobs.NodeID
	for _, r := range refs {
		for id := range t.byBlob[r.ID] {
			if !seen[id] {
				seen[id] = true
				nodes = append(nodes, id)
			}
		}
	}
	rand.Shuffle(len(nodes), func(i, j int) { nodes[i], nodes[j] = nodes[j], nodes[i] })
	return nodes
}

// Providers implements rpc.Desk: up to five workers that have pieces, two
// coordinators and the submitter.
func (d *desk) Providers(j *jobs.Job, asking jobs.NodeID) []swarm.Provider {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := d.workersHaving(j.Spec.Blobs(), asking, maxProviders-3)
	voters := d.replica.Voters()
	rand.Shuffle(len(voters), func(i, j int) { voters[i], voters[j] = voters[j], voters[i] })
	for _, v := range voters[:min(2, len(voters))] {
		list = append(list, swarm.Provider{Address: v.Address, Role: jobs.Coordinator})
	}
	if j.Provider != "" {
		list = append(list, swarm.Provider{Address: j.Provider, Role: jobs.Submitter})
	}
	return list
}
