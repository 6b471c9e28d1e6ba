package rpc

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/coordinator/logbook"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// maxHeadline bounds what a kept log says of how its attempt ended.
const maxHeadline = 200

// maxHead bounds what is taken of the beginning of a large output.
const maxHead = 4 << 10

// written is the log of an attempt that is being reported.
type written struct {
	job    jobs.JobID
	place  jobs.Place
	owner  jobs.OwnerID // of the job
	failed bool
	log    *anthillv1.StreamLogsResponse
	output []byte // the first of it; all of a small one
	large  bool
}

// logsOf are the logs of those reports whose leases the worker holds, while it is still known
// which attempts they are of.
func (s *Server) logsOf(worker jobs.NodeID, list []*anthillv1.AttemptReport, held map[jobs.LeaseID]bool) (logs []written) {
	now := wire.TimeToProto(s.cfg.Replica.Now())
	s.cfg.Replica.View(func(st *jobs.State) {
		donor := st.Nodes[worker]
		for _, m := range list {
			lease := jobs.LeaseID(m.GetLease())
			at, _, ok := st.Lease(lease)
			status, err := wire.StatusFromProto("status", m.GetStatus())
			failed := status == jobs.Crashed || status == jobs.Killed
			if !held[lease] || !ok || err != nil || donor == nil || !failed && status != jobs.Succeeded {
				continue
			}
			j := st.Jobs[at.Job]
			what, _, _ := strings.Cut(m.GetReason(), "\n")
			w := written{job: at.Job, place: at.Place, owner: j.Owner, failed: failed, log: &anthillv1.StreamLogsResponse{
				Lease: m.GetLease(), Task: uint32(j.TaskAt(at.Place)), NodeId: string(worker), Owner: string(donor.Owner),
				Ending: endingToProto(status), ExitCode: m.GetExitCode(), At: now, Reason: jobs.Printable(jobs.Shorten(what, maxHeadline)),
				Text: lastOf(m.GetLog()),
			}}
			if w.output, w.large = m.GetData(), m.GetOutput().GetSize() > blob.MinPiece; w.large {
				w.output = bytes.Clone(m.GetHead()[:min(len(m.GetHead()), maxHead)])
			}
			logs = append(logs, w)
		}
	})
	return logs
}

func lastOf(log []byte) []byte { return bytes.Clone(log[max(0, len(log)-logbook.MaxText):]) }

// keepLogs keeps those of attempts that failed, and of those whose tasks are disputed now; the
// others wait for that. A log that cannot be kept is no reason to refuse the report.
func (s *Server) keepLogs(logs []written) {
	disputed := make([]*jobs.TaskReport, len(logs))
	s.cfg.Replica.View(func(st *jobs.State) {
		for i, w := range logs {
			if j := st.Jobs[w.job]; j != nil && j.Quarrelled(w.place) {
				r := st.Inspect(j, w.place)
				disputed[i] = &r
			}
		}
	})
	for i, w := range logs {
		var keep []*anthillv1.StreamLogsResponse
		if r := disputed[i]; r != nil {
			w.log.Difference = s.difference(w, r)
			keep = s.waiting.Take(w.job, w.log.GetTask())
		}
		switch {
		case w.failed || w.log.GetDifference() != nil || disputed[i] != nil && len(w.log.GetText()) > 0:
			keep = append(keep, w.log)
		case len(w.log.GetText()) > 0 || w.large:
			s.waiting.Add(w.job, w.log, w.head())
		}
		if err := s.cfg.Logs.Keep(w.job, w.owner, keep...); err != nil {
			s.cfg.Logger.Warn("failed to keep the log of an attempt", "job", w.job, "error", err)
		}
	}
}

// head is what is kept in memory of an output: small ones are on the disk.
func (w written) head() []byte {
	if w.large {
		return w.output
	}
	return nil
}

// logsInterval is how often coordinators are asked what is new, by those who follow.
const logsInterval = time.Second

// StreamLogs implements JobService. Each coordinator has what was reported to it while it led.
func (s *Server) StreamLogs(req *anthillv1.StreamLogsRequest, stream grpc.ServerStreamingServer[anthillv1.StreamLogsResponse]) error {
	ctx, id := stream.Context(), jobs.JobID(req.GetJobId())
	done, ok := s.rates.watch(callerFrom(ctx).Node)
	if !ok {
		return tooManyWatches(callerFrom(ctx).Node)
	}
	defer done()
	late := s.fresh(ctx)
	if err := s.mayControl(ctx, id); err != nil {
		return cmp.Or(late, err)
	}
	read := map[jobs.NodeID]uint32{}
	for {
		over := !req.GetFollow() || !s.runs(id)
		for _, v := range s.shelves() {
			ask := &anthillv1.ReadLogsRequest{JobId: string(id), Task: req.Task, Skip: read[v.Node], Differing: req.GetDiffering()}
			n, err := s.sendLogs(ctx, v.Node, v.Address, ask, stream)
			if read[v.Node] += n; err != nil {
				return err
			}
		}
		if over {
			return nil
		}
		select {
		case <-time.After(logsInterval):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// shelves are this coordinator and all others.
func (s *Server) shelves() []replica.Voter {
	list := []replica.Voter{{Node: s.cfg.Node}}
	for _, v := range s.cfg.Replica.Voters() {
		if v.Node != s.cfg.Node {
			list = append(list, v)
		}
	}
	return list
}

func (s *Server) runs(id jobs.JobID) (yes bool) {
	s.cfg.Replica.View(func(st *jobs.State) { yes = st.Jobs[id] != nil && st.Jobs[id].State == jobs.JobRunning })
	return yes
}

// sendLogs sends what one coordinator has. One that cannot be asked, for it is away or older, is
// passed over.
func (s *Server) sendLogs(ctx context.Context, node jobs.NodeID, address string, req *anthillv1.ReadLogsRequest, stream grpc.ServerStreamingServer[anthillv1.StreamLogsResponse]) (n uint32, err error) {
	send := func(log *anthillv1.StreamLogsResponse) bool {
		if err = stream.Send(log); err == nil {
			n++
		}
		return err == nil
	}
	if node == s.cfg.Node {
		return n, errors.Join(s.cfg.Logs.Read(req, send), err)
	}
	conn, dialErr := s.cfg.DialCoordinator(address)
	if dialErr != nil {
		return 0, nil
	}
	ctx, cancel := context.WithTimeout(ctx, leaderWait)
	defer cancel()
	from, callErr := anthillv1.NewCoordinatorServiceClient(conn).ReadLogs(ctx, req)
	if callErr != nil {
		return 0, nil
	}
	for {
		m, recvErr := from.Recv()
		if recvErr != nil {
			if !errors.Is(recvErr, io.EOF) {
				s.cfg.Logger.Debug("failed to read logs from a coordinator", "node", node.Short(), "error", recvErr)
			}
			return n, nil
		}
		if !send(m.GetLog()) {
			return n, err
		}
	}
}

// ReadLogs implements CoordinatorService.
func (s *Server) ReadLogs(req *anthillv1.ReadLogsRequest, stream grpc.ServerStreamingServer[anthillv1.ReadLogsResponse]) error {
	var err error
	failed := s.cfg.Logs.Read(req, func(log *anthillv1.StreamLogsResponse) bool {
		err = stream.Send(&anthillv1.ReadLogsResponse{Log: log})
		return err == nil
	})
	return errors.Join(failed, err)
}
