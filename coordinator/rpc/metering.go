package rpc

import (
	"context"

	"github.com/anthill-grid/anthill/jobs"
)

// metering is by which rules the fuel of a new job is counted that asks for none: by the
// newest, if the grid's rules allow it and most live workers know them.
func (s *Server) metering(ctx context.Context) uint32 {
	var newest uint32
	s.cfg.Replica.View(func(st *jobs.State) { newest = st.Metering() })
	if newest == jobs.OldestMetering {
		return newest
	}
	if able, outdated := s.counting(ctx); outdated > able {
		return jobs.OldestMetering
	}
	return newest
}

// counting is how many live workers can count fuel by the newest rules, and how many
// cannot, as the leader has heard; none of either if the leader cannot be asked.
func (s *Server) counting(ctx context.Context) (able, outdated int) {
	if s.cfg.Desk.Leading() {
		return s.cfg.Desk.Counting(jobs.Metering)
	}
	resp, err := s.askProgress(ctx, "")
	if err != nil {
		s.cfg.Logger.Debug("failed to ask the leader for its workers", "error", err)
	}
	return int(resp.GetAbleWorkers()), int(resp.GetOutdatedWorkers())
}

// meteringOf is that of a job, or the newest if there is no such job.
func (s *Server) meteringOf(id jobs.JobID) uint32 {
	metering := uint32(jobs.Metering)
	s.cfg.Replica.View(func(st *jobs.State) {
		if j := st.Jobs[id]; j != nil {
			metering = j.Spec.Metering
		}
	})
	return metering
}
