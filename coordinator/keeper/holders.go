package keeper

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// holders are other coordinators that hold a result, and the workers that
// computed it, where it was not safe yet or where nobody else is left. A large one is
// asked of all coordinators: where this one cannot reach the worker, pieces may come to
// another.
func (k *Keeper) holders(s *jobs.State, j *jobs.Job, place jobs.Place) []jobs.NodeID {
	nodes := slices.Clone(j.Unheld[place])
	held, large := false, isLarge(j.Closed[place].Output)
	for _, id := range s.Holders {
		holds := id != k.cfg.Node && s.Holds(j, place, id)
		held = held || holds
		if holds || large && id != k.cfg.Node {
			nodes = append(nodes, id)
		}
	}
	if len(j.Unheld[place]) == 0 && !held {
		nodes = append(nodes, s.Supporters(j, place)...)
	}
	return nodes
}

// locate finds the holders on the network: where gossip says they are or, where it
// does not know them, where they enrolled. Those that are alive come first.
func (k *Keeper) locate(list []wanted) {
	members := map[jobs.NodeID]membership.Member{}
	for _, m := range k.cfg.Members() {
		members[m.Node] = m
	}
	k.cfg.Replica.View(func(s *jobs.State) {
		for i := range list {
			list[i].providers = providers(s, members, list[i].holders)
		}
	})
}

// providers name the node that is to answer: gossip can be forged, and to ask
// for a result is to tell what it is.
func providers(s *jobs.State, members map[jobs.NodeID]membership.Member, nodes []jobs.NodeID) []swarm.Provider {
	var alive, others []swarm.Provider
	for _, id := range nodes {
		m, known := members[id]
		n := s.Nodes[id]
		switch {
		case known && m.Status == membership.Alive:
			alive = append(alive, swarm.Provider{Address: m.Address, Role: jobs.Worker, Node: id})
		case known:
			others = append(others, swarm.Provider{Address: m.Address, Role: jobs.Worker, Node: id})
		case n != nil && n.Address != "":
			others = append(others, swarm.Provider{Address: n.Address, Role: jobs.Worker, Node: id})
		}
	}
	return append(alive, others...)
}
