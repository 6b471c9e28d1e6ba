package rpc

import (
	"bytes"
	"cmp"
	"context"
	"slices"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/coordinator/chronicle"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// tasksInterval is the shortest time between two messages of WatchTasks. Each looks at
	// all tasks, so that of a large job there is more time, see tasksPause.
	tasksInterval = 250 * time.Millisecond
	// spansTold bounds the attempts in one message.
	spansTold = 8192
)

// WatchTasks implements JobService. It reads this coordinator's replica, as WatchJob does.
func (s *Server) WatchTasks(req *anthillv1.WatchTasksRequest, stream grpc.ServerStreamingServer[anthillv1.WatchTasksResponse]) error {
	ctx, id := stream.Context(), jobs.JobID(req.GetJobId())
	done, ok := s.rates.watch(callerFrom(ctx).Node)
	if !ok {
		return tooManyWatches(callerFrom(ctx).Node)
	}
	defer done()
	patience, cancel := context.WithTimeout(ctx, watchFresh)
	defer cancel()
	late := s.fresh(patience)
	if err := s.mayControl(ctx, id); err != nil {
		return cmp.Or(late, err)
	}
	w := taskWatch{server: s, job: id, reader: s.cfg.Chronicle.Read(id)}
	for {
		changed := s.cfg.Replica.Changed()
		m := w.look()
		if m == nil {
			return jobs.UnknownJob(id)
		}
		if err := stream.Send(m); err != nil || m.GetFinished() {
			return err
		}
		if err := pause(ctx, changed, tasksPause(len(w.stages)), 2*time.Second); err != nil {
			return err
		}
	}
}

// tasksPause keeps the looking at a job of a million tasks below a hundredth of the time.
func tasksPause(tasks int) time.Duration {
	return tasksInterval + time.Duration(tasks)*2*time.Microsecond
}

// taskWatch is one caller's WatchTasks.
type taskWatch struct {
	server  *Server
	job     jobs.JobID
	reader  *chronicle.Reader
	stages  []byte        // as they were told
	holders []jobs.NodeID // the same
	begun   bool
}

// look is what there is to tell; nil if the job is gone.
func (w *taskWatch) look() (m *anthillv1.WatchTasksResponse) {
	w.server.cfg.Replica.View(func(st *jobs.State) {
		j := st.Jobs[w.job]
		if j == nil {
			return
		}
		m = &anthillv1.WatchTasksResponse{
			Now: wire.TimeToProto(w.server.cfg.Replica.Now()), Saboteurs: wire.ShareToProto(st.AssumedSaboteurs()),
			Finished: j.State != jobs.JobRunning,
		}
		w.tellStages(m, j.Stages())
		news := w.reader.News(st, spansTold)
		for _, id := range news.Workers {
			m.Workers = append(m.Workers, taskWorker(st, id))
		}
		for _, f := range news.Fetched {
			m.Fetched = append(m.Fetched, &anthillv1.WorkerTraffic{Worker: f.Worker, Fetched: wire.TrafficToProto(f.Bytes)})
		}
		w.tellHolders(m, st, st.InputHolders(j))
		for _, span := range news.Spans {
			m.Attempts = append(m.Attempts, spanToProto(span, j.Submitted))
		}
	})
	return m
}

// taskWorker names a node and its owner.
func taskWorker(st *jobs.State, id jobs.NodeID) *anthillv1.TaskWorker {
	m := &anthillv1.TaskWorker{NodeId: string(id)}
	if n := st.Nodes[id]; n != nil {
		m.Owner = string(n.Owner)
	}
	return m
}

func (w *taskWatch) tellHolders(m *anthillv1.WatchTasksResponse, st *jobs.State, now []jobs.NodeID) {
	if w.begun && slices.Equal(now, w.holders) {
		return
	}
	w.begun, w.holders, m.Holders = true, now, &anthillv1.TaskHolders{}
	for _, id := range now {
		m.Holders.Nodes = append(m.Holders.Nodes, taskWorker(st, id))
	}
}

func (w *taskWatch) tellStages(m *anthillv1.WatchTasksResponse, now []byte) {
	if w.stages == nil {
		w.stages, m.States = now, bytes.Clone(now)
		return
	}
	for i, stage := range now {
		if w.stages[i] != stage {
			m.Changed, m.ChangedStates = append(m.Changed, uint32(i)), append(m.ChangedStates, stage)
		}
	}
	w.stages = now
}

func spanToProto(s chronicle.Span, submitted jobs.Time) *anthillv1.AttemptSpan {
	since := func(t jobs.Time) int64 { return max(1, t.Std().Sub(submitted.Std()).Milliseconds()) }
	m := &anthillv1.AttemptSpan{Lease: uint64(s.Lease), Task: uint32(s.Task), Worker: s.Worker, Begun: since(s.Begun), Ending: endingToProto(s.Ending)}
	if s.Ended != 0 {
		m.Ended = since(s.Ended)
	}
	return m
}

func endingToProto(status jobs.AttemptStatus) anthillv1.AttemptEnding {
	switch status {
	case jobs.Succeeded:
		return anthillv1.AttemptEnding_ATTEMPT_ENDING_SUCCEEDED
	case jobs.Crashed:
		return anthillv1.AttemptEnding_ATTEMPT_ENDING_FAILED
	case jobs.Killed:
		return anthillv1.AttemptEnding_ATTEMPT_ENDING_KILLED
	case jobs.Lost:
		return anthillv1.AttemptEnding_ATTEMPT_ENDING_LOST
	case jobs.Starved, jobs.Stopped:
		return anthillv1.AttemptEnding_ATTEMPT_ENDING_RETURNED
	}
	return anthillv1.AttemptEnding_ATTEMPT_ENDING_UNSPECIFIED
}

// ListTrust implements NodeService.
func (s *Server) ListTrust(ctx context.Context, req *anthillv1.ListTrustRequest) (*anthillv1.ListTrustResponse, error) {
	p, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	c := callerFrom(ctx)
	var own jobs.OwnerID
	s.cfg.Replica.View(func(st *jobs.State) {
		if n := st.Nodes[c.Node]; n != nil {
			own = n.Owner
		}
	})
	var list []place
	histories := map[place]chronicle.History{}
	for _, h := range s.cfg.Chronicle.Histories(func(id jobs.OwnerID) bool { return id == own || c.Role == jobs.Operator }) {
		here := place{ID: string(h.Owner)}
		list, histories[here] = append(list, here), h
	}
	resp := &anthillv1.ListTrustResponse{}
	resp.Owners, resp.NextPageToken = cut(p, list, func(here place) *anthillv1.OwnerTrust { return trustView(histories[here]) })
	return resp, nil
}

func trustView(h chronicle.History) *anthillv1.OwnerTrust {
	owner := &anthillv1.OwnerTrust{Owner: string(h.Owner)}
	for _, p := range h.Points {
		owner.Points = append(owner.Points, &anthillv1.TrustPoint{
			At: p.At.Std().Unix(), Credibility: wire.ShareToProto(p.Credibility), Credit: p.Credit, Banned: p.Banned,
		})
	}
	return owner
}
