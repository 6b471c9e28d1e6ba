package keeper

import (
	"context"
	"maps"
	"slices"

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

// locate finds the holders on the network: where workers said last that they are or,
// where they are not heard of, where they enrolled; and where coordinators vote. Those
// that are heard of come first.
func (k *Keeper) locate(ctx context.Context, list []wanted) {
	places := k.cfg.Workers(ctx)
	known := make(map[jobs.NodeID]string, len(places))
	maps.Copy(known, places)
	for _, v := range k.cfg.Replica.Voters() {
		known[v.Node] = v.Address
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
