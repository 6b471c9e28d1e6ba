package rewrite

import "github.com/anthill-grid/anthill/internal/module/wasm"

// graph is which function may call which. Its nodes are the module's own functions, and
// after them one for each type that is called through tables, which calls all
// functions of the type whose address is taken.
type graph struct {
	plan  *plan
	first []uint32         // by type: the first type that is equal
	types map[uint32]int   // node by type
	taken map[int][]uint32 // by node of a type: its functions
	nodes int

	component []int   // by node: its strongly connected component, from 0
	cyclic    []bool  // by component: a call may lead back to it
	chain     []int64 // by component: weight of the longest chain from it
}

func newGraph(p *plan) *graph {
	g := &graph{plan: p, nodes: len(p.surveys), types: map[uint32]int{}, taken: map[int][]uint32{}}
	g.first = firstTypes(p.m.Types[:p.types])
	for i := range p.surveys {
		for _, t := range p.surveys[i].indirect {
			if _, seen := g.types[g.first[t]]; !seen {
				g.types[g.first[t]] = g.nodes
				g.nodes++
			}
		}
	}
	for f := p.imported; f < len(p.taken); f++ {
		if node, called := g.types[g.first[p.functions[f]]]; called && p.taken[f] {
			g.taken[node] = append(g.taken[node], uint32(f))
		}
	}
	return g
}

func firstTypes(types []wasm.FuncType) []uint32 {
	first := make([]uint32, len(types))
	seen := map[string]uint32{}
	for i := range types {
		key := typeKey(&types[i])
		at, known := seen[key]
		if !known {
			at = uint32(i)
			seen[key] = at
		}
		first[i] = at
	}
	return first
}

// edge is the k-th node that a node calls.
func (g *graph) edge(node, k int) (to int, ok bool) {
	if node >= len(g.plan.surveys) {
		if k < len(g.taken[node]) {
			return int(g.taken[node][k]) - g.plan.imported, true
		}
		return 0, false
	}
	s := &g.plan.surveys[node]
	if k < len(s.calls) {
		return int(s.calls[k]) - g.plan.imported, true
	}
	if k -= len(s.calls); k < len(s.indirect) {
		return g.types[g.first[s.indirect[k]]], true
	}
	return 0, false
}

// visit is a node on the way of the search, with the next of its edges.
type visit struct{ node, edge int }

// search is Tarjan's algorithm for strongly connected components, without
// recursion. A component is complete only after all that it calls.
type search struct {
	*graph
	index, low []int // by node: when it was found, from 1, and the oldest it reaches
	found      int
	open       []int // nodes found whose component is not complete
	path       []visit
}

func (g *graph) findComponents() {
	g.component = make([]int, g.nodes)
	for i := range g.component {
		g.component[i] = -1
	}
	s := search{graph: g, index: make([]int, g.nodes), low: make([]int, g.nodes)}
	for node := range g.nodes {
		if s.index[node] == 0 {
			s.from(node)
		}
	}
}

func (s *search) from(node int) {
	s.enter(node)
	for len(s.path) > 0 {
		at := &s.path[len(s.path)-1]
		to, more := s.edge(at.node, at.edge)
		at.edge++
		switch {
		case !more:
			s.leave(at.node)
		case s.index[to] == 0:
			s.enter(to)
		case s.component[to] < 0:
			s.low[at.node] = min(s.low[at.node], s.index[to])
		}
	}
}

func (s *search) enter(node int) {
	s.found++
	s.index[node], s.low[node] = s.found, s.found
	s.open = append(s.open, node)
	s.path = append(s.path, visit{node: node})
}

func (s *search) leave(node int) {
	s.path = s.path[:len(s.path)-1]
	if len(s.path) > 0 {
		caller := s.path[len(s.path)-1].node
		s.low[caller] = min(s.low[caller], s.low[node])
	}
	if s.low[node] != s.index[node] {
		return
	}
	at := len(s.open) - 1
	for s.open[at] != node {
		at--
	}
	s.complete(s.open[at:])
	s.open = s.open[:at]
}

// complete closes a component, whose callees are complete.
func (g *graph) complete(nodes []int) {
	number := len(g.cyclic)
	for _, node := range nodes {
		g.component[node] = number
	}
	cyclic, chain := len(nodes) > 1, int64(0)
	for _, node := range nodes {
		for k := 0; ; k++ {
			to, more := g.edge(node, k)
			if !more {
				break
			}
			if g.component[to] == number {
				cyclic = true
			} else {
				chain = max(chain, g.chain[g.component[to]])
			}
		}
	}
	if !cyclic && nodes[0] < len(g.plan.surveys) {
		chain += g.plan.weight(nodes[0])
	}
	g.cyclic, g.chain = append(g.cyclic, cyclic), append(g.chain, chain)
}
