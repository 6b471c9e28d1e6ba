package fakegrid

import (
	"context"
	"math"
	"slices"
	"strconv"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/wire"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

type jobService struct {
	anthillv1.UnimplementedJobServiceServer
	grid *Grid
}

// unknown is NOT_FOUND as the real grid says it.
func unknown(id string) error {
	st, err := status.Newf(codes.NotFound, "job %q: no such job", id).WithDetails(
		&errdetails.LocalizedMessage{Locale: "en", Message: "list the jobs: anthill jobs"})
	if err != nil {
		return err
	}
	return st.Err()
}

func (s *jobService) SubmitJob(_ context.Context, req *anthillv1.SubmitJobRequest) (*anthillv1.SubmitJobResponse, error) {
	job := s.grid.submit(req)
	// An error after the job was made is an answer that was lost.
	if err := s.grid.enter(); err != nil {
		return nil, err
	}
	return &anthillv1.SubmitJobResponse{Job: job}, nil
}

func (s *jobService) GetJob(_ context.Context, req *anthillv1.GetJobRequest) (*anthillv1.GetJobResponse, error) {
	if err := s.grid.enter(); err != nil {
		return nil, err
	}
	s.grid.mu.Lock()
	defer s.grid.mu.Unlock()
	job := s.grid.job(req.GetJobId())
	if job == nil {
		return nil, unknown(req.GetJobId())
	}
	return &anthillv1.GetJobResponse{Job: job.Proto}, nil
}

func (s *jobService) ListJobs(_ context.Context, req *anthillv1.ListJobsRequest) (*anthillv1.ListJobsResponse, error) {
	if err := s.grid.enter(); err != nil {
		return nil, err
	}
	s.grid.mu.Lock()
	defer s.grid.mu.Unlock()
	resp := &anthillv1.ListJobsResponse{}
	begin, _ := strconv.Atoi(req.GetPageToken()) // its own
	for i := len(s.grid.jobs) - 1 - begin; i >= 0; i-- {
		if len(resp.GetJobs()) == int(req.GetPageSize()) {
			resp.NextPageToken = strconv.Itoa(begin + len(resp.GetJobs()))
			break
		}
		resp.Jobs = append(resp.Jobs, s.grid.jobs[i].Proto)
	}
	return resp, nil
}

func (s *jobService) CancelJob(_ context.Context, req *anthillv1.CancelJobRequest) (*anthillv1.CancelJobResponse, error) {
	if err := s.grid.enter(); err != nil {
		return nil, err
	}
	s.grid.mu.Lock()
	job := s.grid.job(req.GetJobId())
	s.grid.mu.Unlock()
	if job == nil {
		return nil, unknown(req.GetJobId())
	}
	if job.Proto.GetState() != anthillv1.JobState_JOB_STATE_RUNNING {
		return nil, status.Errorf(codes.FailedPrecondition, "job %q: it has finished", req.GetJobId())
	}
	s.grid.Finish(req.GetJobId(), anthillv1.JobState_JOB_STATE_CANCELLED, "cancelled by tester")
	return &anthillv1.CancelJobResponse{Job: job.Proto}, nil
}

// WatchJob starts each stream with all events again: clients must cope.
func (s *jobService) WatchJob(req *anthillv1.WatchJobRequest, stream grpc.ServerStreamingServer[anthillv1.WatchJobResponse]) error {
	sent := 0
	return s.grid.follow(stream.Context(), req.GetJobId(), func(job Job) (bool, error) {
		err := stream.Send(&anthillv1.WatchJobResponse{Job: job.Proto, Events: job.events[sent:]})
		sent = len(job.events)
		return job.finished(), err
	})
}

func (s *jobService) GetTask(_ context.Context, req *anthillv1.GetTaskRequest) (*anthillv1.GetTaskResponse, error) {
	if err := s.grid.enter(); err != nil {
		return nil, err
	}
	s.grid.mu.Lock()
	defer s.grid.mu.Unlock()
	job := s.grid.job(req.GetJobId())
	if job == nil {
		return nil, unknown(req.GetJobId())
	}
	total := job.Proto.GetTasks().GetTotal()
	if req.GetTask() >= total {
		return nil, status.Errorf(codes.NotFound, "task %d: job %s has tasks 0 to %d", req.GetTask(), req.GetJobId(), int(total)-1)
	}
	if report := job.tasks[req.GetTask()]; report != nil {
		return report, nil
	}
	return &anthillv1.GetTaskResponse{Task: req.GetTask(), Verdict: "untouched"}, nil
}

// GetSwarm tells what a test has written.
func (s *jobService) GetSwarm(_ context.Context, req *anthillv1.GetSwarmRequest) (*anthillv1.GetSwarmResponse, error) {
	s.grid.mu.Lock()
	defer s.grid.mu.Unlock()
	job := s.grid.job(req.GetJobId())
	if job == nil {
		return nil, unknown(req.GetJobId())
	}
	if job.swarm == nil {
		return &anthillv1.GetSwarmResponse{}, nil
	}
	return job.swarm, nil
}

// WatchTasks sends what a test has written.
func (s *jobService) WatchTasks(req *anthillv1.WatchTasksRequest, stream grpc.ServerStreamingServer[anthillv1.WatchTasksResponse]) error {
	sent := 0
	return s.grid.follow(stream.Context(), req.GetJobId(), func(job Job) (bool, error) {
		for ; sent < len(job.watched); sent++ {
			if err := stream.Send(job.watched[sent]); err != nil {
				return false, err
			}
		}
		return job.finished(), nil
	})
}

// StreamResults starts one result too early: clients must cope.
func (s *jobService) StreamResults(req *anthillv1.StreamResultsRequest, stream grpc.ServerStreamingServer[anthillv1.StreamResultsResponse]) error {
	next := int(min(req.GetFromSequence(), math.MaxInt32))
	if next > 0 {
		next--
	}
	headed := false
	return s.grid.follow(stream.Context(), req.GetJobId(), func(job Job) (bool, error) {
		if !job.finished() && !headed {
			headed = true
			if err := stream.SendHeader(metadata.MD{}); err != nil {
				return false, err
			}
		}
		if !job.finished() && !req.GetProvisional() {
			return false, nil
		}
		for ; next < len(job.results); next++ {
			if job.finished() && job.replaced(next) {
				continue
			}
			if err := stream.Send(withData(job.results[next], !req.GetWithoutData())); err != nil {
				return false, err
			}
		}
		if !job.finished() || !req.GetFailures() {
			return job.finished(), nil
		}
		for _, m := range job.failures {
			if err := stream.Send(m); err != nil {
				return false, err
			}
		}
		return true, nil
	})
}

func withData(m *anthillv1.StreamResultsResponse, wanted bool) *anthillv1.StreamResultsResponse {
	if wanted {
		return m
	}
	bare := proto.CloneOf(m)
	bare.Data = nil
	return bare
}

// replaced says whether a later result is of the same task.
func (j *Job) replaced(i int) bool {
	return slices.ContainsFunc(j.results[i+1:], func(m *anthillv1.StreamResultsResponse) bool {
		return m.GetTask() == j.results[i].GetTask()
	})
}

func (j *Job) finished() bool { return j.Proto.GetState() != anthillv1.JobState_JOB_STATE_RUNNING }

// follow calls send with a copy of the job now and at each change until it says
// that this was the last.
func (g *Grid) follow(ctx context.Context, id string, send func(Job) (bool, error)) error {
	if err := g.enter(); err != nil {
		return err
	}
	for {
		g.mu.Lock()
		job, changed := g.job(id), g.changed
		if job == nil {
			g.mu.Unlock()
			return unknown(id)
		}
		now := *job
		g.mu.Unlock()
		if last, err := send(now); last || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-changed:
		}
	}
}

type nodeService struct {
	anthillv1.UnimplementedNodeServiceServer
	grid *Grid
}

func (s *nodeService) ListNodes(context.Context, *anthillv1.ListNodesRequest) (*anthillv1.ListNodesResponse, error) {
	s.grid.mu.Lock()
	defer s.grid.mu.Unlock()
	return &anthillv1.ListNodesResponse{Nodes: s.grid.nodes}, nil
}

type enrolmentService struct {
	anthillv1.UnimplementedEnrolmentServiceServer
	grid *Grid
}

func (s *enrolmentService) CreateToken(_ context.Context, req *anthillv1.CreateTokenRequest) (*anthillv1.CreateTokenResponse, error) {
	if err := s.grid.enter(); err != nil {
		return nil, err
	}
	token, err := identity.NewToken(s.grid.Authority.Fingerprint(), wire.RoleFromProto(req.GetRole()), s.grid.Addresses())
	if err != nil {
		return nil, status.Error(codes.InvalidArgument, err.Error())
	}
	s.grid.change(func() {
		s.grid.tokens[token.Hash()] = token.Role
		s.grid.wishes = append(s.grid.wishes, req)
	})
	return &anthillv1.CreateTokenResponse{
		Token: token.String(), ExpiresAt: timestamppb.New(time.Now().Add(req.GetLifetime().AsDuration())),
	}, nil
}

func (s *enrolmentService) Enrol(ctx context.Context, req *anthillv1.EnrolRequest) (*anthillv1.EnrolResponse, error) {
	if err := s.grid.enter(); err != nil {
		return nil, err
	}
	s.grid.mu.Lock()
	role, ok := s.grid.tokens[identity.HashSecret(req.GetSecret())]
	s.grid.mu.Unlock()
	if !ok || role != wire.RoleFromProto(req.GetRole()) {
		return nil, status.Error(codes.PermissionDenied, "token: unknown or used up")
	}
	public, err := identity.PublicKeyFrom(ctx)
	if err != nil {
		return nil, status.Error(codes.Unauthenticated, err.Error())
	}
	der, err := s.grid.Authority.Issue(public, role, nil)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	resp := &anthillv1.EnrolResponse{Certificate: der, Owner: "tester", Time: timestamppb.New(time.Now().Add(s.grid.ClockAhead))}
	for _, c := range s.grid.coordinators {
		resp.Coordinators = append(resp.Coordinators, &anthillv1.CoordinatorAddress{NodeId: string(c.identity.Node()), Address: c.address})
	}
	return resp, nil
}
