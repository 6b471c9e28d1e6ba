package chronicle

import (
	"cmp"
	"maps"
	"slices"

	"github.com/anthill-grid/anthill/jobs"
)

// Pair is two nodes, one of which sent something to the other.
type Pair struct{ From, To jobs.NodeID }

// Flow is how much that was, in bytes.
type Flow struct {
	Pair
	Bytes int64
}

// Swarm notes what a worker says of a job that it has an attempt at: what it has of the input,
// and who sent it how much. No node's word for it is proven. Unlike the rest it is in no
// command, and so only the leader hears it.
func (c *Chronicle) Swarm(job jobs.JobID, worker jobs.NodeID, parts []byte, from map[jobs.NodeID]int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.jobs[job]
	if s == nil {
		return
	}
	if len(parts) > 0 {
		s.parts[worker] = parts
	}
	for _, node := range slices.Sorted(maps.Keys(from)) {
		pair := Pair{node, worker}
		if _, known := s.flows[pair]; !known {
			if len(s.flows) == pairsKept {
				continue
			}
			c.pairs++
		}
		s.flows[pair] += min(max(from[node], 0), 1<<50)
	}
	c.makeRoom(s)
}

// Swarms is what is known of a job: what each worker has, and the largest flows.
func (c *Chronicle) Swarms(job jobs.JobID, most int) (parts map[jobs.NodeID][]byte, flows []Flow) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.jobs[job]
	if s == nil {
		return nil, nil
	}
	for pair, n := range s.flows {
		flows = append(flows, Flow{pair, n})
	}
	slices.SortFunc(flows, func(a, b Flow) int {
		return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.From, b.From), cmp.Compare(a.To, b.To))
	})
	return maps.Clone(s.parts), flows[:min(len(flows), most)]
}
