package rpc

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// SubmitJob implements JobService.
func (s *Server) SubmitJob(ctx context.Context, req *anthillv1.SubmitJobRequest) (*anthillv1.SubmitJobResponse, error) {
	spec, err := wire.SpecFromProto(req.GetSpec())
	if err != nil {
		return nil, err
	}
	if spec.RetryOf != "" && s.mayControl(ctx, spec.RetryOf) == nil {
		s.cfg.Replica.View(func(st *jobs.State) {
			if earlier := st.Jobs[spec.RetryOf]; earlier != nil {
				spec = spec.Reveal(earlier.Spec)
			}
		})
	}
	if spec.Metering == 0 {
		spec.Metering = s.metering(ctx)
	}
	spec = spec.WithDefaults()
	if spec, err = s.accepted(ctx, spec); err != nil {
		return nil, err
	}
	if err := checkAddress("provider", req.GetProvider()); err != nil {
		return nil, err
	}
	if err := s.cfg.Results.Fits(spec.Blobs()); err != nil {
		return nil, err
	}
	by := callerFrom(ctx)
	c := jobs.SubmitJob{
		Job: newJobID(spec.Name), Spec: spec, Submitter: by.Node, Provider: s.reach(by, req.GetProvider()), Seed: newSeed(),
	}
	out, err := s.propose(ctx, req.GetRequestId(), jobs.Command{Submit: &c})
	if err != nil {
		return nil, err
	}
	j, err := s.describe(ctx, string(out.Job))
	return &anthillv1.SubmitJobResponse{Job: j}, err
}

// accepted is a spec without what the grid's rules cannot do and it can do without, if it
// makes sense: what they cannot do otherwise must not come into the log, where it would
// halt older coordinators.
func (s *Server) accepted(ctx context.Context, spec jobs.Spec) (jobs.Spec, error) {
	if r := spec.Validate(); r != nil {
		return spec, r
	}
	if err := s.fresh(ctx); err != nil {
		return spec, err
	}
	var r *jobs.Rejection
	s.cfg.Replica.View(func(st *jobs.State) {
		spec = st.Readable(spec)
		r = st.CheckSpec(spec)
	})
	if r != nil {
		return spec, r
	}
	return spec, nil
}

// newJobID is the job's name, shortened, and six random letters.
func newJobID(name string) jobs.JobID {
	if len(name) > 24 {
		name = name[:24]
	}
	return jobs.JobID(strings.ToLower(name + "-" + rand.Text()[:6]))
}

// newSeed is random, so that nobody can tell from a task's index when it was
// opened, and never zero.
func newSeed() uint64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return binary.BigEndian.Uint64(b[:]) | 1
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
		return jobs.Outcome{}, jobs.InvalidField("request_id", "it has %d bytes, more than %d", len(request), maxRequestID)
	}
	if err := s.readable(c); err != nil {
		return jobs.Outcome{}, err
	}
	c.At = s.cfg.Replica.Now()
	c.Request = requestID(callerFrom(ctx).Node, request)
	if r := s.tooMuch(&c); r != nil {
		return jobs.Outcome{}, r
	}
	out, err := s.cfg.Replica.Propose(ctx, c)
	if err == nil && out.Rejection != nil {
		err = out.Rejection
	}
	return out, err
}

func requestID(node jobs.NodeID, request string) jobs.RequestID {
	return jobs.RequestID(string(node) + "/" + request)
}

// tooMuch says why a command is more than its owner's account has room for, or nil: what
// the state would refuse is not to fill the log.
func (s *Server) tooMuch(c *jobs.Command) (r *jobs.Rejection) {
	s.cfg.Replica.View(func(st *jobs.State) {
		if st.Asked(c.Request) {
			return
		}
		if r = st.MayAsk(c); r == nil && c.Submit != nil {
			r = st.MaySubmit(st.OwnerOf(c.Submit.Submitter), c.Submit.Spec)
		}
	})
	return r
}

// readable refuses a command that would halt coordinators of older versions.
func (s *Server) readable(c jobs.Command) (err error) {
	s.cfg.Replica.View(func(st *jobs.State) {
		if st.Version() < c.Version() {
			err = tooOld()
		}
	})
	return err
}

// GetJob implements JobService.
func (s *Server) GetJob(ctx context.Context, req *anthillv1.GetJobRequest) (*anthillv1.GetJobResponse, error) {
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	if err := s.mayControl(ctx, jobs.JobID(req.GetJobId())); err != nil {
		return nil, err
	}
	j, err := s.describe(ctx, req.GetJobId())
	return &anthillv1.GetJobResponse{Job: j}, err
}

func (s *Server) describe(ctx context.Context, id string) (*anthillv1.Job, error) {
	j, _, err := s.describeSince(ctx, id, 0)
	return j, err
}

// namedFailures is how many of a job's failed tasks are named with it.
const namedFailures = 10

// describeSince also gives the job's events from a sequence number on.
func (s *Server) describeSince(ctx context.Context, id string, since uint64) (*anthillv1.Job, []*anthillv1.Event, error) {
	heard := s.progress(ctx, jobs.JobID(id))
	var job *anthillv1.Job
	var events []*anthillv1.Event
	s.cfg.Replica.View(func(st *jobs.State) {
		if j := st.Jobs[jobs.JobID(id)]; j != nil {
			job = jobView(st, jobs.JobID(id), j, s.attendance(st))
			job.FuelRunning = j.FuelRunning(heard.fuel)
			job.FailedTasks = wire.IndexesToProto(j.FirstFailed(namedFailures))
			job.Wait, job.Waiting = waits.ToProto(heard.wait), heard.wait.Timeless().Text(time.Time{})
			events = wire.EventsToProto(j.Events, since)
		}
	})
	if job == nil {
		return nil, nil, jobs.UnknownJob(jobs.JobID(id))
	}
	return job, events, nil
}

// ListJobs implements JobService: the caller's owner's jobs, or all to operators.
func (s *Server) ListJobs(ctx context.Context, req *anthillv1.ListJobsRequest) (*anthillv1.ListJobsResponse, error) {
	p, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	resp := &anthillv1.ListJobsResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		a, sees := s.attendance(st), sightOf(st, callerFrom(ctx))
		var list []place
		for id, j := range st.Jobs {
			if sees(j.Owner) && wantsJob(req, j) {
				list = append(list, place{At: j.Submitted, ID: string(id)})
			}
		}
		resp.Jobs, resp.NextPageToken = cut(p, list, func(at place) *anthillv1.Job {
			id := jobs.JobID(at.ID)
			return inView(req.GetView(), jobView(st, id, st.Jobs[id], a))
		})
	})
	return resp, nil
}

// wantsJob says whether a job is one of those that are asked for.
func wantsJob(req *anthillv1.ListJobsRequest, j *jobs.Job) bool {
	switch {
	case req.GetOwner() != "" && req.GetOwner() != string(j.Owner):
		return false
	case len(req.GetStates()) > 0 && !slices.Contains(req.GetStates(), wire.JobStateToProto(j.State)):
		return false
	case req.GetActiveSince() != nil && j.State != jobs.JobRunning && j.Finished.Std().Before(req.GetActiveSince().AsTime()):
		return false
	}
	return hasName(j.Spec.Name, req.GetName())
}

// inView leaves out of a job what a list does not tell of each.
func inView(view anthillv1.JobView, m *anthillv1.Job) *anthillv1.Job {
	if view != anthillv1.JobView_JOB_VIEW_FULL {
		m.Spec = &anthillv1.JobSpec{Name: m.GetSpec().GetName()}
		m.Reason = jobs.Shorten(m.GetReason(), jobs.MaxReason)
	}
	return m
}

// watchInterval is the shortest time between two messages of WatchJob.
const watchInterval = 100 * time.Millisecond

// watchFresh is how long the start of WatchJob waits for a leader to tell what is new.
const watchFresh = 2 * time.Second

// WatchJob implements JobService. It reads this coordinator's replica, and so goes on while
// a new leader is elected. Where there is none, a job that is known here is shown as it
// was last: it says that there is no leader.
func (s *Server) WatchJob(req *anthillv1.WatchJobRequest, stream grpc.ServerStreamingServer[anthillv1.WatchJobResponse]) error {
	ctx := stream.Context()
	done, ok := s.rates.watch(callerFrom(ctx).Node)
	if !ok {
		return tooManyWatches(callerFrom(ctx).Node)
	}
	defer done()
	patience, cancel := context.WithTimeout(ctx, watchFresh)
	defer cancel()
	late := s.fresh(patience)
	if err := s.mayControl(ctx, jobs.JobID(req.GetJobId())); err != nil {
		return cmp.Or(late, err)
	}
	var last *anthillv1.Job
	var seen uint64
	for {
		changed := s.cfg.Replica.Changed()
		j, events, err := s.describeSince(ctx, req.GetJobId(), seen)
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

// pause waits for a while, and then for a change, but no longer than long.
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

// CancelJob implements JobService. A caller without the right is refused before the log,
// which it could otherwise fill with entries of any length.
func (s *Server) CancelJob(ctx context.Context, req *anthillv1.CancelJobRequest) (*anthillv1.CancelJobResponse, error) {
	if err := s.mayControl(ctx, jobs.JobID(req.GetJobId())); err != nil {
		return nil, err
	}
	c := jobs.CancelJob{Job: jobs.JobID(req.GetJobId()), By: callerFrom(ctx).Node}
	if _, err := s.propose(ctx, req.GetRequestId(), jobs.Command{Cancel: &c}); err != nil {
		return nil, err
	}
	j, err := s.describe(ctx, req.GetJobId())
	return &anthillv1.CancelJobResponse{Job: j}, err
}

// GetTask implements JobService.
func (s *Server) GetTask(ctx context.Context, req *anthillv1.GetTaskRequest) (*anthillv1.GetTaskResponse, error) {
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	id := jobs.JobID(req.GetJobId())
	if err := s.mayControl(ctx, id); err != nil {
		return nil, err
	}
	var resp *anthillv1.GetTaskResponse
	heard := s.progress(ctx, id)
	total := 0
	s.cfg.Replica.View(func(st *jobs.State) {
		j := st.Jobs[id]
		if total = j.Total(); int64(req.GetTask()) < int64(total) {
			task := jobs.Index(req.GetTask())
			resp = wire.TaskToProto(task, st.Inspect(j, j.PlaceOf(task)), heard.fuel)
		}
	})
	if resp == nil {
		return nil, unknownTask(id, req.GetTask(), total)
	}
	return resp, nil
}

func unknownTask(id jobs.JobID, task uint32, total int) error {
	return &jobs.Rejection{
		Code: jobs.NotFound, Reason: "UNKNOWN_TASK", Subject: fmt.Sprintf("task %d", task),
		Message: fmt.Sprintf("job %s has tasks 0 to %d", id, total-1), Next: "give the index of one of them",
	}
}

// mayControl refuses a caller that is neither the job's owner nor an operator, as if
// there were no such job: what exists is not for everybody to know.
func (s *Server) mayControl(ctx context.Context, id jobs.JobID) error {
	may := false
	s.cfg.Replica.View(func(st *jobs.State) { may = st.MayControl(callerFrom(ctx).Node, id) == nil })
	if !may {
		return jobs.UnknownJob(id)
	}
	return nil
}
