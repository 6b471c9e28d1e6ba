package rpc

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// progressTime bounds the asking for a job's progress: no call waits for that while a
// new leader is elected.
const progressTime = 300 * time.Millisecond

// GetProgress implements CoordinatorService.
func (s *Server) GetProgress(ctx context.Context, req *anthillv1.GetProgressRequest) (*anthillv1.GetProgressResponse, error) {
	id := jobs.JobID(req.GetJobId())
	able, outdated := s.cfg.Desk.Counting(s.meteringOf(id))
	resp := &anthillv1.GetProgressResponse{AbleWorkers: uint32(able), OutdatedWorkers: uint32(outdated)}
	if s.cfg.Desk.Leading() {
		resp.Wait = waits.ToProto(s.waitOf(ctx, id, able == 0 && outdated > 0))
	}
	for lease, fuel := range s.cfg.Desk.Fuel(id) {
		resp.Attempts = append(resp.Attempts, &anthillv1.AttemptProgress{Lease: uint64(lease), Fuel: fuel})
	}
	return resp, nil
}

// progress is what the leader has heard of a job.
type progress struct {
	fuel map[jobs.LeaseID]uint64 // that its running attempts have used so far
	wait waits.Wait              // why nothing moves
}

// progress is not much if the leader cannot be asked.
func (s *Server) progress(ctx context.Context, id jobs.JobID) progress {
	running := false
	s.cfg.Replica.View(func(st *jobs.State) { running = st.Jobs[id] != nil && st.Jobs[id].State == jobs.JobRunning })
	if !running {
		return progress{}
	}
	if s.cfg.Desk.Leading() {
		able, outdated := s.cfg.Desk.Counting(s.meteringOf(id))
		return progress{s.cfg.Desk.Fuel(id), s.waitOf(ctx, id, able == 0 && outdated > 0)}
	}
	resp, err := s.askProgress(ctx, id)
	if err != nil {
		s.cfg.Logger.Debug("failed to ask the leader for a job's progress", "error", err)
		return progress{wait: s.waitWithoutLeader(ctx, id)}
	}
	fuel := map[jobs.LeaseID]uint64{}
	for _, a := range resp.GetAttempts() {
		fuel[jobs.LeaseID(a.GetLease())] = a.GetFuel()
	}
	return progress{fuel, waits.FromProto(resp.GetWait())}
}

// waitWithoutLeader is for a leader, if there is none, and otherwise what can be said
// without it.
func (s *Server) waitWithoutLeader(ctx context.Context, id jobs.JobID) waits.Wait {
	if _, _, ok := s.cfg.Replica.Leader(); !ok {
		return waits.Wait{Reason: waits.NoLeader}
	}
	return s.waitOf(ctx, id, false)
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
