package reach

import (
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// callStart is the head start of dialling before the node is called.
	callStart = 250 * time.Millisecond
	// aloneAfter is after how many failures in a row, while another led there, a path is
	// left alone; the time doubles with each further one.
	aloneAfter = 3
	aloneFor   = time.Minute
	aloneMost  = 15 * time.Minute
	// maxRemembered bounds the nodes that are remembered.
	maxRemembered = 4096
)

// memory is what was learned of the paths to nodes.
type memory struct {
	mu    sync.Mutex
	nodes map[jobs.NodeID]*experience
}

// experience is that of the paths to one node.
type experience struct {
	failures [paths]int // in a row, while another path led there
	alone    [paths]time.Time
	used     time.Time
}

// plan orders the ways to a node, and gives each its head start. Those are left out that
// are left alone, unless all are; but a node that is called anyway may come, since it does
// not know that nobody would wait for it.
func (m *memory) plan(node jobs.NodeID, now time.Time, ways []way) []way {
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.nodes[node]
	alone := func(w way) bool { return e != nil && now.Before(e.alone[w.path]) }
	left := slices.DeleteFunc(slices.Clone(ways), func(w way) bool { return w.path != Reversed && alone(w) })
	if !slices.ContainsFunc(left, func(w way) bool { return w.path != Reversed || !alone(w) }) {
		left = ways
	}
	var start time.Duration
	hope := false // that one of the ways before leads there
	for i := range left {
		w := &left[i]
		switch {
		case i == 0:
			start = 0
		case w.path == Relayed && hope:
			start += relayStart
		case left[i-1].path == Direct && (e == nil || e.failures[Direct] == 0):
			start += callStart
		}
		w.after = start
		hope = hope || !alone(*w)
	}
	return left
}

// learn notes which path led to a node, and which did not though it had its time.
func (m *memory) learn(node jobs.NodeID, ways []way, done []outcome, began, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := slices.IndexFunc(done, func(o outcome) bool { return o.err == nil })
	if at < 0 {
		return // it is the node that is not there
	}
	e := m.nodes[node]
	if e == nil {
		e = &experience{}
		m.add(node, e)
	}
	e.used = now
	won := done[at].way.path
	e.failures[won], e.alone[won] = 0, time.Time{}
	for _, w := range ways {
		refused := slices.ContainsFunc(done, func(o outcome) bool { return o.way.path == w.path && o.err != nil })
		if w.path < won && (refused || now.Sub(began) >= w.after+callStart) {
			e.failed(w.path, now)
		}
	}
}

// failed notes that a better path than that which won did not lead there.
func (e *experience) failed(p Path, now time.Time) {
	if now.Before(e.alone[p]) {
		return
	}
	e.failures[p]++
	if n := e.failures[p] - aloneAfter; n >= 0 {
		e.alone[p] = now.Add(min(aloneMost, aloneFor<<min(n, 10)))
	}
}

// add remembers a node, and forgets the one that was used last the longest ago if there
// are too many. It is called with mu held.
func (m *memory) add(node jobs.NodeID, e *experience) {
	if m.nodes == nil {
		m.nodes = map[jobs.NodeID]*experience{}
	}
	if len(m.nodes) >= maxRemembered {
		var oldest jobs.NodeID
		for id, other := range m.nodes {
			if o := m.nodes[oldest]; o == nil || other.used.Before(o.used) {
				oldest = id
			}
		}
		delete(m.nodes, oldest)
	}
	m.nodes[node] = e
}
