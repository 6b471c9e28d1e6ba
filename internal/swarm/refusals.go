package swarm

import (
	"sync"

	"github.com/anthill-grid/anthill/jobs"
)

// refusals remembers who sent wrong bytes, for as long as the process lives.
type refusals struct {
	mu        sync.Mutex
	nodes     map[jobs.NodeID]bool
	addresses map[string]bool
}

func newRefusals() *refusals {
	return &refusals{nodes: make(map[jobs.NodeID]bool), addresses: make(map[string]bool)}
}

// add refuses a node, if it is known, and the address at which it was met: to
// find out that it is still the same node it would have to be asked.
func (r *refusals) add(node jobs.NodeID, address string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if node != "" {
		r.nodes[node] = true
	}
	r.addresses[address] = true
}

func (r *refusals) has(node jobs.NodeID, address string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.addresses[address] || (node != "" && r.nodes[node])
}

// count is how many peers are refused.
func (r *refusals) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.addresses)
}
