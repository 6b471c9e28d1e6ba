package desk

import (
	"math/rand/v2"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// stock is which workers have pieces of which blobs, as their last
// heartbeats said. It is soft state: a new leader learns it within a second.
type stock struct {
	byBlob map[blob.ID]map[jobs.NodeID]bool
	byNode map[jobs.NodeID][]blob.ID
}

func newStock() *stock {
	return &stock{byBlob: map[blob.ID]map[jobs.NodeID]bool{}, byNode: map[jobs.NodeID][]blob.ID{}}
}

// announce replaces what is known of a node.
func (s *stock) announce(id jobs.NodeID, blobs []blob.ID) {
	s.forget(id)
	s.byNode[id] = blobs
	for _, b := range blobs {
		if s.byBlob[b] == nil {
			s.byBlob[b] = map[jobs.NodeID]bool{}
		}
		s.byBlob[b][id] = true
	}
}

func (s *stock) forget(id jobs.NodeID) {
	for _, b := range s.byNode[id] {
		delete(s.byBlob[b], id)
		if len(s.byBlob[b]) == 0 {
			delete(s.byBlob, b)
		}
	}
	delete(s.byNode, id)
}

// having are up to n nodes that fit and have pieces of any of these blobs, in random
// order: maps are walked from a random place. Whoever asks costs no more than that.
func (s *stock) having(refs []blob.Ref, n int, fits func(jobs.NodeID) bool) []jobs.NodeID {
	seen := map[jobs.NodeID]bool{}
	var nodes []jobs.NodeID
	for _, r := range refs {
		for id := range s.byBlob[r.ID] {
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
