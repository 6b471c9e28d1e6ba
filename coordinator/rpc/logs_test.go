package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// applying is a desk that commits reports.
type applying struct {
	*fakeDesk
	grid *grid
}

func (d applying) Report(_ context.Context, reports []jobs.Report) error {
	d.grid.do(jobs.Command{Report: &jobs.ReportAttempts{Reports: reports}})
	return nil
}

// quarrel is a grid with a job on whose first task two workers disagree, and at whose second
// one has failed; and all three have logs.
func quarrel(t *testing.T) (g *grid, address string, ada *identity.Identity, id string) {
	g = start(t)
	ada = g.admit(jobs.Submitter, "ada")
	address = g.serve(g.admit(jobs.Coordinator, "coordinators"), applying{g.desk, g}, g.listen())
	spec := rangeSpec()
	spec.Trust = &anthillv1.Trust{Replicas: 2, Quorum: 2}
	resp, err := anthillv1.NewJobServiceClient(g.dial(ada, g.leader)).SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	id = resp.GetJob().GetId()
	workers := []*identity.Identity{g.admit(jobs.Worker, "w1"), g.admit(jobs.Worker, "w2")}
	for i, w := range workers {
		grants := []jobs.Grant{{Lease: jobs.LeaseID(10 + i), Job: jobs.JobID(id), Place: 0, Worker: w.Node()}}
		reports := []*anthillv1.AttemptReport{success(uint64(10+i), fmt.Sprint("says ", i))}
		if i == 0 {
			grants = append(grants, jobs.Grant{Lease: 20, Job: jobs.JobID(id), Place: 1, Worker: w.Node()})
			reports = append(reports,
				&anthillv1.AttemptReport{Lease: 20, Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_FAILED, ExitCode: 3, Reason: "exited:\nlong", Log: []byte("why it failed")},
				&anthillv1.AttemptReport{Lease: 11, Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_FAILED, Log: []byte("of a lease that it does not hold")})
		}
		g.do(jobs.Command{Grant: &jobs.GrantLeases{Expires: 1 << 50, Grants: grants}})
		if _, err := anthillv1.NewWorkServiceClient(g.dial(w, address)).Report(ctx(t), &anthillv1.ReportRequest{Reports: reports}); err != nil {
			t.Fatal(err)
		}
	}
	return g, address, ada, id
}

func success(lease uint64, say string) *anthillv1.AttemptReport {
	return &anthillv1.AttemptReport{
		Lease: lease, Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_SUCCEEDED, Output: wire.RefToProto(blob.Of([]byte(say)).Ref()), Data: []byte(say), Log: []byte("log: " + say),
	}
}

func logsAs(t *testing.T, g *grid, who *identity.Identity, address string, req *anthillv1.StreamLogsRequest) (texts []string, err error) {
	t.Helper()
	stream, err := anthillv1.NewJobServiceClient(g.dial(who, address)).StreamLogs(ctx(t), req)
	if err != nil {
		return nil, err
	}
	for {
		log, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			slices.Sort(texts)
			return texts, nil
		}
		if err != nil {
			return nil, err
		}
		texts = append(texts, fmt.Sprintf("%s/%d/%s/%s", log.GetOwner(), log.GetExitCode(), log.GetReason(), log.GetText()))
	}
}

// TestLogsOfWhatFailedAndIsDisputed are kept, and those of no others.
func TestLogsOfWhatFailedAndIsDisputed(t *testing.T) {
	t.Parallel()
	g, address, ada, id := quarrel(t)
	got, err := logsAs(t, g, ada, address, &anthillv1.StreamLogsRequest{JobId: id})
	if want := "w1/0//log: says 0 w1/3/exited:/why it failed w2/0//log: says 1"; err != nil || strings.Join(got, " ") != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	task := g.taskAt(jobs.JobID(id), 1)
	if got, err = logsAs(t, g, ada, address, &anthillv1.StreamLogsRequest{JobId: id, Task: &task}); err != nil || len(got) != 1 {
		t.Errorf("of one task got %q, %v", got, err)
	}
	if _, err = logsAs(t, g, g.admit(jobs.Submitter, "eve"), address, &anthillv1.StreamLogsRequest{JobId: id}); status.Code(err) != codes.PermissionDenied && status.Code(err) != codes.NotFound {
		t.Errorf("another owner gets %v", err)
	}
	if _, err = logsAs(t, g, g.admit(jobs.Worker, "w1"), address, &anthillv1.StreamLogsRequest{JobId: id}); status.Code(err) != codes.PermissionDenied {
		t.Errorf("a worker gets %v", err)
	}
}

// TestWatchTasks tells of tasks and attempts, to nobody else either.
func TestWatchTasks(t *testing.T) {
	t.Parallel()
	g, address, ada, id := quarrel(t)
	watch := func(who *identity.Identity) (*anthillv1.WatchTasksResponse, error) {
		stream, err := anthillv1.NewJobServiceClient(g.dial(who, address)).WatchTasks(ctx(t), &anthillv1.WatchTasksRequest{JobId: id})
		if err != nil {
			return nil, err
		}
		return stream.Recv()
	}
	m, err := watch(ada)
	if err != nil {
		t.Fatal(err)
	}
	first, second := g.taskAt(jobs.JobID(id), 0), g.taskAt(jobs.JobID(id), 1)
	if got := m.GetStates(); anthillv1.TaskState(got[first]) != anthillv1.TaskState_TASK_STATE_DISPUTED || anthillv1.TaskState(got[second]) != anthillv1.TaskState_TASK_STATE_OPEN {
		t.Errorf("tasks %d and %d of %v", first, second, got)
	}
	if len(m.GetWorkers()) != 2 || m.GetWorkers()[0].GetOwner() != "w1" || len(m.GetAttempts()) != 3 {
		t.Errorf("%v", m)
	}
	if m.GetHolders() == nil {
		t.Error("it is not told who holds the input")
	}
	for _, a := range m.GetAttempts() {
		if a.GetEnded() < a.GetBegun() || a.GetEnding() == 0 {
			t.Errorf("%v", a)
		}
	}
	if _, err := watch(g.admit(jobs.Submitter, "eve")); status.Code(err) != codes.PermissionDenied && status.Code(err) != codes.NotFound {
		t.Errorf("another owner gets %v", err)
	}
}

// TestTrustIsToldOfOnesOwn, and to operators of all.
func TestTrustIsToldOfOnesOwn(t *testing.T) {
	t.Parallel()
	g, address, ada, _ := quarrel(t)
	short, cancel := context.WithCancel(t.Context())
	cancel()
	g.chronicle.Run(short, g.View)
	for who, want := range map[*identity.Identity]int{ada: 1, g.admit(jobs.Operator, "op"): 3} {
		resp, err := anthillv1.NewNodeServiceClient(g.dial(who, address)).ListTrust(ctx(t), &anthillv1.ListTrustRequest{})
		if err != nil || len(resp.GetOwners()) < min(want, 2) && want > 1 || len(resp.GetOwners()) > 1 && want == 1 {
			t.Errorf("%v is told of %v, %v", who.Role, resp.GetOwners(), err)
		}
	}
}
