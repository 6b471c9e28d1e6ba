package rpc

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// maxParts and maxSources bound what a report may say of its worker's swarm: what is
	// more is cut off.
	maxParts   = 64
	maxSources = 16
	// maxShownNodes and maxShownFlows bound an answer.
	maxShownNodes = 2000
	maxShownFlows = 4096
)

// noteSwarm keeps what reports say of who has what, of leases that the worker holds, for
// people to look at.
func (s *Server) noteSwarm(worker jobs.NodeID, list []*anthillv1.AttemptReport, held map[jobs.LeaseID]bool) {
	type note struct {
		job   jobs.JobID
		parts []byte
		from  map[jobs.NodeID]int64
	}
	var notes []note
	s.cfg.Replica.View(func(st *jobs.State) {
		for _, m := range list {
			lease := jobs.LeaseID(m.GetLease())
			at, _, ok := st.Lease(lease)
			said := m.GetSources()
			if !ok || !held[lease] || said == nil {
				continue
			}
			n := note{at.Job, bytes.Clone(said.GetParts()[:min(len(said.GetParts()), maxParts)]), map[jobs.NodeID]int64{}}
			for i := range min(len(said.GetNodes()), len(said.GetBytes()), maxSources) {
				if id := jobs.NodeID(said.GetNodes()[i]); st.Nodes[id] != nil {
					n.from[id] += said.GetBytes()[i]
				}
			}
			notes = append(notes, n)
		}
	})
	for _, n := range notes {
		s.cfg.Chronicle.Swarm(n.job, worker, n.parts, n.from)
	}
}

// GetSwarm implements JobService.
func (s *Server) GetSwarm(ctx context.Context, req *anthillv1.GetSwarmRequest) (*anthillv1.GetSwarmResponse, error) {
	id := jobs.JobID(req.GetJobId())
	if err := s.mayControl(ctx, id); err != nil {
		return nil, err
	}
	parts, flows := s.cfg.Chronicle.Swarms(id, maxShownFlows)
	resp := &anthillv1.GetSwarmResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		known := map[jobs.NodeID]uint32{}
		place := func(id jobs.NodeID) (uint32, bool) {
			n, there := known[id]
			if !there && len(resp.Nodes) < maxShownNodes {
				n, there = uint32(len(resp.Nodes)), true
				known[id] = n
				resp.Nodes = append(resp.Nodes, taskWorker(st, id))
			}
			return n, there
		}
		for _, id := range slices.Sorted(maps.Keys(parts)) {
			if n, ok := place(id); ok {
				resp.Parts = append(resp.Parts, &anthillv1.SwarmParts{Node: n, Parts: parts[id]})
			}
		}
		for _, f := range flows {
			from, there := place(f.From)
			to, here := place(f.To)
			if there && here {
				resp.Flows = append(resp.Flows, &anthillv1.SwarmFlow{From: from, To: to, Bytes: f.Bytes})
			}
		}
	})
	return resp, nil
}
