package rpc

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// progressTime bounds the asking for a job's progress: no call waits for that while a
// new leader is elected.
const progressTime = 300 * time.Millisecond

// GetProgress implements CoordinatorService.
func (s *Server) GetProgress(_ context.Context, req *anthillv1.GetProgressRequest) (*anthillv1.GetProgressResponse, error) {
	resp := &anthillv1.GetProgressResponse{}
	for lease, fuel := range s.cfg.Desk.Fuel(jobs.JobID(req.GetJobId())) {
		resp.Attempts = append(resp.Attempts, &anthillv1.AttemptProgress{Lease: uint64(lease), Fuel: fuel})
	}
	return resp, nil
}

// progress is how much fuel a job's running attempts have used so far, as the leader
// has heard; nothing if the leader cannot be asked.
func (s *Server) progress(ctx context.Context, id jobs.JobID) map[jobs.LeaseID]uint64 {
	running := false
	s.cfg.Replica.View(func(st *jobs.State) { running = st.Jobs[id] != nil && st.Jobs[id].State == jobs.JobRunning })
	if !running {
		return nil
	}
	if s.cfg.Desk.Leading() {
		return s.cfg.Desk.Fuel(id)
	}
	resp, err := s.askProgress(ctx, id)
	if err != nil {
		s.cfg.Logger.Debug("failed to ask the leader for a job's progress", "error", err)
		return nil
	}
	fuel := map[jobs.LeaseID]uint64{}
	for _, a := range resp.GetAttempts() {
		fuel[jobs.LeaseID(a.GetLease())] = a.GetFuel()
	}
	return fuel
}

func (s *Server) askProgress(ctx context.Context, id jobs.JobID) (*anthillv1.GetProgressResponse, error) {
	leader, address, ok := s.cfg.Replica.Leader()
	if !ok || leader == s.cfg.Node {
		return nil, desk.ErrNoLeader
	}
	conn, err := s.cfg.DialCoordinator(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, progressTime)
	defer cancel()
	return anthillv1.NewCoordinatorServiceClient(conn).GetProgress(ctx, &anthillv1.GetProgressRequest{JobId: string(id)})
}
