package desk

import (
	"math/rand/v2"

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
}

func newTracker() *tracker {
	return &tracker{byBlob: map[blob.ID]map[jobs.NodeID]bool{}, byNode: map[jobs.NodeID][]blob.ID{}}
}

// announce replaces what is known of a node.
func (t *tracker) announce(id jobs.NodeID, blobs []blob.ID) {
	t.forget(id)
	t.byNode[id] = blobs
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
}

// having are up to n nodes that fit and have pieces of any of these blobs, in random
// order: maps are walked from a random place. Whoever asks costs no more than that.
func (t *tracker) having(refs []blob.Ref, n int, fits func(jobs.NodeID) bool) []jobs.NodeID {
	seen := map[jobs.NodeID]bool{}
	var nodes []jobs.NodeID
	for _, r := range refs {
		for id := range t.byBlob[r.ID] {
			if len(nodes) >= n {
				break
			}
			if !seen[id] && fits(id) {
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
func (d *Desk) Providers(j *jobs.Job, asking jobs.NodeID) []swarm.Provider {
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
