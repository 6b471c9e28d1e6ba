package keeper

import (
	"context"
	"maps"
	"slices"

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

// locate finds the holders on the network: where workers said last that they are or,
// where they are not heard of, where they enrolled; and where coordinators vote. Those
// that are heard of come first.
func (k *Keeper) locate(ctx context.Context, list []*errand) {
	places := k.cfg.Workers(ctx)
	known := make(map[jobs.NodeID]string, len(places))
	maps.Copy(known, places)
	for _, v := range k.cfg.Replica.Servers() {
		if !slices.Contains(k.away, v.Node) {
			known[v.Node] = v.Address
		}
	}
	k.cfg.Replica.View(func(s *jobs.State) {
		for i := range list {
			list[i].providers = providers(s, known, list[i].holders)
		}
	})
}

// providers name the node that is to answer: to ask for a result is to tell what it is.
func providers(s *jobs.State, known map[jobs.NodeID]string, nodes []jobs.NodeID) []swarm.Provider {
	var heard, others []swarm.Provider
	for _, id := range nodes {
		n := s.Nodes[id]
		switch address := known[id]; {
		case address != "":
			heard = append(heard, swarm.Provider{Address: address, Role: jobs.Worker, Node: id})
		case n != nil && n.Address != "":
			others = append(others, swarm.Provider{Address: n.Address, Role: jobs.Worker, Node: id})
		}
	}
	return append(heard, others...)
}
