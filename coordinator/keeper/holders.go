package keeper

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// holders are those that have a result: the coordinators that are there and hold it or,
// where there are none, the workers that computed it. All are asked who may have it:
// workers while it is not safe yet, and coordinators for a large one, since pieces may
// come to another where this one cannot reach the worker.
func (k *Keeper) holders(s *jobs.State, j *jobs.Job, place jobs.Place) (from, all []jobs.NodeID) {
	all = slices.Clone(j.Unheld[place])
	large := isLarge(j.Closed[place].Output)
	for _, id := range s.Holders {
		holds := id != k.cfg.Node && s.Holds(j, place, id)
		if holds && !slices.Contains(k.away, id) {
			from = append(from, id)
		}
		if holds || large && id != k.cfg.Node {
			all = append(all, id)
		}
	}
	if len(from) > 0 {
		return from, all
	}
	if from = slices.Clone(j.Unheld[place]); len(from) == 0 {
		from = s.Supporters(j, place)
		all = append(all, from...)
	}
	return from, all
}

// locate finds the holders on the network: where gossip says they are or, where it
// does not know them, where they enrolled. Those that are alive come first.
func (k *Keeper) locate(list []*errand) {
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
