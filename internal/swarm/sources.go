package swarm

import (
	"cmp"
	"slices"
	"sync"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// maxLedger bounds the pairs of blob and node that are remembered until somebody asks,
	// and maxSources what is told at a time: the largest.
	maxLedger  = 1024
	maxSources = 16
)

// Source is a node that sent pieces of a blob.
type Source struct {
	Node  jobs.NodeID
	Bytes int64
}

// ledger remembers who sent what, for people to look at. Where it is full, further nodes are
// left out.
type ledger struct {
	mu    sync.Mutex
	pairs int
	blobs map[blob.ID]map[jobs.NodeID]int64
}

func (l *ledger) note(id blob.ID, from jobs.NodeID, n int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	nodes := l.blobs[id]
	if _, known := nodes[from]; !known {
		if l.pairs == maxLedger || from == "" {
			return
		}
		l.pairs++
	}
	if nodes == nil {
		nodes = map[jobs.NodeID]int64{}
		if l.blobs == nil {
			l.blobs = map[blob.ID]map[jobs.NodeID]int64{}
		}
		l.blobs[id] = nodes
	}
	nodes[from] += n
}

// TakeSources gives the nodes that have sent most of these blobs since it was last asked of
// them.
func (s *Swarm) TakeSources(ids []blob.ID) (list []Source) {
	s.ledger.mu.Lock()
	defer s.ledger.mu.Unlock()
	all := map[jobs.NodeID]int64{}
	for _, id := range ids {
		for node, n := range s.ledger.blobs[id] {
			all[node] += n
		}
		s.ledger.pairs -= len(s.ledger.blobs[id])
		delete(s.ledger.blobs, id)
	}
	for node, n := range all {
		list = append(list, Source{node, n})
	}
	slices.SortFunc(list, func(a, b Source) int { return cmp.Or(cmp.Compare(b.Bytes, a.Bytes), cmp.Compare(a.Node, b.Node)) })
	return list[:min(len(list), maxSources)]
}
