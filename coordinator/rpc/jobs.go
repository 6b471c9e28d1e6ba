package rpc

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// SubmitJob implements JobService.
func (s *Server) SubmitJob(ctx context.Context, req *anthillv1.SubmitJobRequest) (*anthillv1.SubmitJobResponse, error) {
	spec, err := specFromProto(req.GetSpec())
	if err != nil {
		return nil, err
	}
	spec = spec.WithDefaults()
	if r := spec.Validate(); r != nil {
		return nil, r
	}
	if err := checkAddress("provider", req.GetProvider()); err != nil {
		return nil, err
	}
	c := jobs.SubmitJob{Job: newJobID(spec.Name), Spec: spec, Submitter: callerFrom(ctx).Node, Provider: req.GetProvider()}
	out, err := s.propose(ctx, req.GetRequestId(), jobs.Command{Submit: &c})
	if err != nil {
		return nil, err
	}
	j, err := s.describe(string(out.Job))
	return &anthillv1.SubmitJobResponse{Job: j}, err
}

// newJobID is the job's name, shortened, and six random letters.
func newJobID(name string) jobs.JobID {
	if len(name) > 24 {
		name = name[:24]
	}
	return jobs.JobID(strings.ToLower(name + "-" + rand.Text()[:6]))
}

// maxRequestID bounds request ids in bytes: they are remembered for an hour.
const maxRequestID = 128

// propose replicates a command in the caller's name. Request ids of different
// nodes do not meet.
func (s *Server) propose(ctx context.Context, request string, c jobs.Command) (jobs.Outcome, error) {
	if request == "" {
		request = rand.Text()
	}
	if len(request) > maxRequestID {
		return jobs.Outcome{}, badField("request_id", "it has %d bytes, more than %d", len(request), maxRequestID)
	}
	c.At = s.cfg.Replica.Now()
	c.Request = jobs.RequestID(string(callerFrom(ctx).Node) + "/" + request)
	out, err := s.cfg.Replica.Propose(ctx, c)
	if err == nil && out.Rejection != nil {
		err = out.Rejection
	}
	return out, err
}

// GetJob implements JobService.
func (s *Server) GetJob(ctx context.Context, req *anthillv1.GetJobRequest) (*anthillv1.GetJobResponse, error) {
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	j, err := s.describe(req.GetJobId())
	return &anthillv1.GetJobResponse{Job: j}, err
}

func (s *Server) describe(id string) (*anthillv1.Job, error) {
	j, _, err := s.describeSince(id, 0)
	return j, err
}

// describeSince also gives the job's events from a sequence number on.
func (s *Server) describeSince(id string, since uint64) (*anthillv1.Job, []*anthillv1.Event, error) {
	live := s.liveWorkers()
	var job *anthillv1.Job
	var events []*anthillv1.Event
	s.cfg.Replica.View(func(st *jobs.State) {
		if j := st.Jobs[jobs.JobID(id)]; j != nil {
			job = jobToProto(st, jobs.JobID(id), j)
			job.Waiting = placement.Waiting(st, j, live)
			events = eventsToProto(j.Events, since)
		}
	})
	if job == nil {
		return nil, nil, jobs.UnknownJob(jobs.JobID(id))
	}
	return job, events, nil
}

// liveWorkers are those that gossip says are alive: good enough for people.
func (s *Server) liveWorkers() []jobs.NodeID {
	var live []jobs.NodeID
	for _, m := range s.cfg.Members() {
		if m.Role == jobs.Worker && m.Status == membership.Alive {
			live = append(live, m.Node)
		}
	}
	return live
}

// ListJobs implements JobService.
func (s *Server) ListJobs(ctx context.Context, _ *anthillv1.ListJobsRequest) (*anthillv1.ListJobsResponse, error) {
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	resp := &anthillv1.ListJobsResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		for id, j := range st.Jobs {
			resp.Jobs = append(resp.Jobs, jobToProto(st, id, j))
		}
	})
	slices.SortFunc(resp.Jobs, func(a, b *anthillv1.Job) int {
		if c := b.GetSubmittedAt().AsTime().Compare(a.GetSubmittedAt().AsTime()); c != 0 {
			return c
		}
		return strings.Compare(a.GetId(), b.GetId())
	})
	return resp, nil
}

// watchInterval is the shortest time between two messages of WatchJob.
const watchInterval = 100 * time.Millisecond

// WatchJob implements JobService. It reads this coordinator's replica, and so
// goes on while a new leader is elected.
func (s *Server) WatchJob(req *anthillv1.WatchJobRequest, stream grpc.ServerStreamingServer[anthillv1.WatchJobResponse]) error {
	ctx := stream.Context()
	if err := s.fresh(ctx); err != nil {
		return err
	}
	var last *anthillv1.Job
	var seen uint64
	for {
		changed := s.cfg.Replica.Changed()
		j, events, err := s.describeSince(req.GetJobId(), seen)
		if err != nil {
			return err
		}
		if len(events) > 0 {
			seen = events[len(events)-1].GetSequence() + 1
		}
		if len(events) > 0 || !proto.Equal(j, last) {
			if err := stream.Send(&anthillv1.WatchJobResponse{Job: j, Events: events}); err != nil {
				return err
			}
		}
		if last = j; j.GetState() != anthillv1.JobState_JOB_STATE_RUNNING {
			return nil
		}
		if err := pause(ctx, changed, watchInterval, time.Second); err != nil {
			return err
		}
	}
}

// pause waits at least for a while, and then for a change, at most for long.
func pause(ctx context.Context, changed <-chan struct{}, while, long time.Duration) error {
	timer := time.NewTimer(while)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	timer.Reset(long)
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
		return ctx.Err()
	}
	return nil
}

// CancelJob implements JobService.
func (s *Server) CancelJob(ctx context.Context, req *anthillv1.CancelJobRequest) (*anthillv1.CancelJobResponse, error) {
	c := jobs.CancelJob{Job: jobs.JobID(req.GetJobId()), By: callerFrom(ctx).Node}
	if _, err := s.propose(ctx, req.GetRequestId(), jobs.Command{Cancel: &c}); err != nil {
		return nil, err
	}
	j, err := s.describe(req.GetJobId())
	return &anthillv1.CancelJobResponse{Job: j}, err
}

// resultRef is one accepted result, by its place in the order of acceptance.
type resultRef struct {
	sequence uint64
	task     uint32
	output   blob.Ref
}

// StreamResults implements JobService. A result is sent once its bytes are on
// this coordinator's disk.
func (s *Server) StreamResults(req *anthillv1.StreamResultsRequest, stream grpc.ServerStreamingServer[anthillv1.StreamResultsResponse]) error {
	ctx := stream.Context()
	if err := s.fresh(ctx); err != nil {
		return err
	}
	id := jobs.JobID(req.GetJobId())
	if err := s.mayRead(ctx, id); err != nil {
		return err
	}
	progress := time.Now()
	for next := req.GetFromSequence(); ; {
		changed := s.cfg.Replica.Changed()
		refs, finished := s.accepted(id, next)
		sent, err := s.sendResults(refs, stream)
		if err != nil {
			return err
		}
		next += uint64(sent)
		if finished && sent == len(refs) && len(refs) < resultBatch {
			return nil
		}
		if sent > 0 || !finished {
			progress = time.Now()
		}
		if sent > 0 && sent == len(refs) {
			continue
		}
		if time.Since(progress) > resultWait {
			return newStatus(codes.Unavailable, fmt.Sprintf("job %s: the result of task %d is not here", id, refs[0].task), "RESULT_MISSING", "",
				"ask another coordinator; if none has it, the job ended before it was copied from the workers")
		}
		if err := pause(ctx, changed, 20*time.Millisecond, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

func (s *Server) mayRead(ctx context.Context, id jobs.JobID) error {
	var r *jobs.Rejection
	s.cfg.Replica.View(func(st *jobs.State) { r = st.MayControl(callerFrom(ctx).Node, id) })
	if r != nil {
		return r
	}
	return nil
}

// resultWait is for how long the stream of a finished job waits for a result
// that this coordinator lacks.
const resultWait = 10 * time.Second

// resultBatch bounds how many results one look at the state collects.
const resultBatch = 256

func (s *Server) accepted(id jobs.JobID, from uint64) (refs []resultRef, finished bool) {
	s.cfg.Replica.View(func(st *jobs.State) {
		j := st.Jobs[id]
		finished = j.State != jobs.JobRunning
		for seq := from; seq < uint64(len(j.Order)) && len(refs) < resultBatch; seq++ {
			task := j.Order[seq]
			refs = append(refs, resultRef{seq, task, j.Closed[task].Output})
		}
	})
	return refs, finished
}

// sendResults sends results up to the first that is not here yet.
func (s *Server) sendResults(refs []resultRef, stream grpc.ServerStreamingServer[anthillv1.StreamResultsResponse]) (sent int, err error) {
	for _, r := range refs {
		data, here := s.cfg.Results.Result(r.output)
		if !here {
			break
		}
		msg := &anthillv1.StreamResultsResponse{Sequence: r.sequence, Task: r.task, Output: refToProto(r.output), Data: data}
		if err := stream.Send(msg); err != nil {
			return sent, err
		}
		sent++
	}
	return sent, nil
}
