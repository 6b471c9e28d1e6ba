package rpc

import (
	"context"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// maxCapacity bounds the leases of one answer: with the largest specs it
	// still is one message.
	maxCapacity = 128
	// maxLeases bounds the leases of one heartbeat: four times what a worker may hold.
	maxLeases = 4 * placement.MaxHeld
)

// Offer implements WorkService.
func (s *Server) Offer(ctx context.Context, req *anthillv1.OfferRequest) (*anthillv1.OfferResponse, error) {
	worker := callerFrom(ctx).Node
	if err := s.lend(worker, req.GetTerms()); err != nil {
		return nil, err
	}
	leases, err := s.cfg.Desk.Offer(ctx, worker, int(min(req.GetCapacity(), maxCapacity)), max(req.GetMetering(), jobs.OldestMetering))
	if err != nil {
		return nil, err
	}
	resp := &anthillv1.OfferResponse{}
	shared := map[jobs.JobID]*anthillv1.Lease{} // what the leases of a job have in common
	for _, l := range leases {
		var grants []*anthillv1.BlobGrant // come once
		if shared[l.Job] == nil {
			grants = s.grants(worker, l.Spec)
			shared[l.Job] = &anthillv1.Lease{Spec: specForWorkers(l.Spec), Providers: providersToProto(l.Providers), Owner: string(l.Owner)}
		}
		common := shared[l.Job]
		resp.Leases = append(resp.Leases, &anthillv1.Lease{
			Id: uint64(l.ID), JobId: string(l.Job), Task: uint32(l.Task), Spec: common.GetSpec(), Providers: common.GetProviders(), Owner: common.GetOwner(), Grants: grants,
		})
	}
	return resp, nil
}

// specForWorkers is without the submitter's words about the input: they are none of a
// worker's business.
func specForWorkers(spec jobs.Spec) *anthillv1.JobSpec {
	m := wire.SpecToProto(spec)
	if b := m.GetInput().GetBlob(); b != nil {
		b.Labels = nil
	}
	return m
}

func providersToProto(list []swarm.Provider) (out []*anthillv1.Provider) {
	for _, p := range list {
		out = append(out, p.Proto())
	}
	return out
}

// Report implements WorkService. A small output must come along: its digest
// alone could be hearsay. What is said of leases that the worker does not hold goes no
// further: it could fill the log, or the disk.
func (s *Server) Report(ctx context.Context, req *anthillv1.ReportRequest) (*anthillv1.ReportResponse, error) {
	if n := len(req.GetReports()); n > jobs.MaxReports {
		return nil, jobs.InvalidField("reports", "%d are too many for one call, at most %d", n, jobs.MaxReports)
	}
	worker := callerFrom(ctx).Node
	held, err := s.held(worker, req.GetReports())
	if err != nil {
		return nil, err
	}
	s.decline(worker, req.GetReports())
	var outputs [][]byte
	var reports []jobs.Report
	for _, m := range req.GetReports() {
		r, err := wire.ReportFromProto(m, worker)
		if err != nil {
			return nil, err
		}
		if r.Status == jobs.Succeeded && r.Output.Size <= blob.MinPiece {
			if blob.Of(m.GetData()).Ref() != r.Output {
				return nil, jobs.InvalidField("reports.data", "%d bytes do not match the output of %d bytes: an output of up to %d has to come along", len(m.GetData()), r.Output.Size, blob.MinPiece)
			}
			if held[r.Lease] {
				outputs = append(outputs, m.GetData())
			}
		}
		if held[r.Lease] {
			reports = append(reports, r)
		}
	}
	if len(reports) == 0 {
		return &anthillv1.ReportResponse{}, nil
	}
	s.shorten(reports)
	s.noteLost(reports)
	s.storeOutputs(outputs)
	logs := s.logsOf(worker, req.GetReports(), held)
	s.noteSwarm(worker, req.GetReports(), held)
	if err := s.cfg.Desk.Report(ctx, reports); err != nil {
		return nil, err
	}
	s.keepLogs(logs)
	return &anthillv1.ReportResponse{}, nil
}

// held are those leases of a worker's reports that it holds, or may have back after its
// silence. That others are void must not be said by a leader that has been replaced, and
// does not know it yet.
func (s *Server) held(worker jobs.NodeID, list []*anthillv1.AttemptReport) (held map[jobs.LeaseID]bool, err error) {
	held = map[jobs.LeaseID]bool{}
	all := true
	s.cfg.Replica.View(func(st *jobs.State) {
		for _, m := range list {
			id := jobs.LeaseID(m.GetLease())
			_, holder, _ := st.Lease(id)
			_, silent, _ := st.Silent(id)
			held[id] = holder == worker || silent == worker
			all = all && held[id]
		}
	})
	if !all {
		_, err = s.cfg.Replica.ReadIndex()
	}
	return held, err
}

// shorten cuts reasons to what the rules in force take, and to what is kept of them.
func (s *Server) shorten(reports []jobs.Report) {
	s.cfg.Replica.View(func(st *jobs.State) {
		for i := range reports {
			r := &reports[i]
			r.Reason = jobs.Shorten(r.Reason, st.RoomFor(r))
		}
	})
}

// noteLost tells the operator why a worker gave work back: its disk may be full.
func (s *Server) noteLost(reports []jobs.Report) {
	why := map[string]int{}
	for _, r := range reports {
		if r.Status == jobs.Lost || r.Status == jobs.Starved {
			why[r.Reason]++
		}
	}
	for reason, n := range why {
		s.cfg.Logger.Warn("worker gave work back", "worker", reports[0].Worker.Short(), "attempts", n, "reason", reason)
	}
}

// storeOutputs keeps what came along before the reports are committed, so that
// an accepted result is not lost with the worker that had it. Where the disk
// fails, another coordinator may still fetch it from there.
func (s *Server) storeOutputs(outputs [][]byte) {
	if len(outputs) == 0 {
		return
	}
	if err := s.cfg.Results.Store(outputs); err != nil {
		s.cfg.Logger.Error("failed to store outputs", "error", err)
	}
}

// Heartbeat implements WorkService, for workers without a session.
func (s *Server) Heartbeat(ctx context.Context, req *anthillv1.HeartbeatRequest) (*anthillv1.HeartbeatResponse, error) {
	if err := checkBeat(req); err != nil {
		return nil, err
	}
	req.Address = s.reach(callerFrom(ctx), req.GetAddress())
	resp, err := s.noteBeat(callerFrom(ctx).Node, req)
	if err != nil {
		return nil, err
	}
	for _, v := range s.cfg.Replica.Servers() {
		resp.Coordinators = append(resp.Coordinators, &anthillv1.Provider{Address: v.Address, Role: anthillv1.Role_ROLE_COORDINATOR})
	}
	return resp, nil
}

// ReadIndex implements CoordinatorService.
func (s *Server) ReadIndex(context.Context, *anthillv1.ReadIndexRequest) (*anthillv1.ReadIndexResponse, error) {
	index, err := s.cfg.Replica.ReadIndex()
	return &anthillv1.ReadIndexResponse{Index: index}, err
}

// ConfirmHeld implements CoordinatorService.
func (s *Server) ConfirmHeld(ctx context.Context, req *anthillv1.ConfirmHeldRequest) (*anthillv1.ConfirmHeldResponse, error) {
	c, err := wire.ConfirmFromProto(req, callerFrom(ctx).Node)
	if err != nil {
		return nil, err
	}
	return &anthillv1.ConfirmHeldResponse{}, s.cfg.Desk.Confirm(ctx, c)
}
