package rpc

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// allowing is a job of five tasks, of which three may fail, under a quorum of two.
func allowing() *anthillv1.JobSpec {
	spec := rangeSpec()
	spec.GetInput().GetRange().To = 5
	spec.Trust, spec.AllowFailed = &anthillv1.Trust{Quorum: 2}, 3
	return spec
}

func labelled() *anthillv1.JobSpec {
	spec := rangeSpec()
	spec.Input = &anthillv1.Input{Source: &anthillv1.Input_Blob{Blob: &anthillv1.BlobInput{
		Blob: wire.RefToProto(blob.Of([]byte("input")).Ref()), ShardSize: 2, Labels: wire.RefToProto(blob.Of([]byte("labels")).Ref()),
	}}}
	return spec
}

// While some coordinators may be old, nothing comes into the log that would halt them:
// what a job needs is refused, and what it can do without is left out.
func TestOldCoordinatorsAreNotHalted(t *testing.T) {
	t.Parallel()
	g := start(t)
	client := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "ann"), g.follower))
	_, err := client.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: allowing()})
	expect(t, "allow_failed", err, codes.InvalidArgument, "INVALID_FIELD")
	if _, _, next := details(err); !strings.Contains(next, "upgrade the grid's coordinators") {
		t.Errorf("the next step is %q", next)
	}
	labels := func() *anthillv1.BlobRef {
		resp, err := client.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: labelled()})
		if err != nil {
			t.Fatal(err)
		}
		return resp.GetJob().GetSpec().GetInput().GetBlob().GetLabels()
	}
	if got := labels(); got != nil {
		t.Errorf("labels %v", got)
	}
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	if got := labels(); !proto.Equal(got, labelled().GetInput().GetBlob().GetLabels()) {
		t.Errorf("labels %v by the newest rules", got)
	}
	if _, err := client.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: allowing()}); err != nil {
		t.Errorf("allow_failed by the newest rules: %v", err)
	}
}

// What the submitter calls its input is not for workers.
func TestWorkersGetNoLabels(t *testing.T) {
	spec, err := wire.SpecFromProto(labelled())
	if err != nil {
		t.Fatal(err)
	}
	if b := specForWorkers(spec).GetInput().GetBlob(); b.GetLabels() != nil || b.GetShardSize() != 2 {
		t.Errorf("a worker gets %v", b)
	}
	if spec.Input.Blob.Labels == nil {
		t.Error("the state has lost its labels")
	}
}

// failing is a grid with a running job of ann's, in which tasks at these places have
// failed, and that at place 1 has a result.
func failing(t *testing.T, places ...jobs.Place) (g *grid, client anthillv1.JobServiceClient, id jobs.JobID) {
	g = start(t)
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	client = anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "ann"), g.follower))
	resp, err := client.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: allowing()})
	if err != nil {
		t.Fatal(err)
	}
	id = jobs.JobID(resp.GetJob().GetId())
	lease := jobs.LeaseID(0)
	workers := []jobs.NodeID{g.admit(jobs.Worker, "bob").Node(), g.admit(jobs.Worker, "eve").Node()}
	for place := range jobs.Place(5) {
		for _, w := range workers {
			lease++
			g.do(jobs.Command{Grant: &jobs.GrantLeases{Expires: 1 << 50, Grants: []jobs.Grant{{Lease: lease, Job: id, Place: place, Worker: w}}}})
			r := jobs.Report{Lease: lease, Worker: w, Status: jobs.Succeeded, Output: blob.Of([]byte("one")).Ref()}
			if slices.Contains(places, place) {
				r = jobs.Report{Lease: lease, Worker: w, Status: jobs.Crashed, ExitCode: 3, Reason: fmt.Sprint("it died:\nat place ", place)}
			} else if place != 1 {
				continue
			}
			g.do(jobs.Command{Report: &jobs.ReportAttempts{Reports: []jobs.Report{r}}})
		}
	}
	return g, client, id
}

func TestFailedTasksAreTold(t *testing.T) {
	t.Parallel()
	g, client, id := failing(t, 0, 3)
	resp, err := client.GetJob(ctx(t), &anthillv1.GetJobRequest{JobId: string(id)})
	if err != nil {
		t.Fatal(err)
	}
	failed := []uint32{g.taskAt(id, 0), g.taskAt(id, 3)}
	slices.Sort(failed)
	if n := resp.GetJob().GetTasks(); n.GetFailed() != 2 || n.GetMayFail() != 3 || n.GetAccepted() != 1 || !slices.Equal(resp.GetJob().GetFailedTasks(), failed) {
		t.Errorf("%v, failed: %v, want %v", n, resp.GetJob().GetFailedTasks(), failed)
	}
	task, err := client.GetTask(ctx(t), &anthillv1.GetTaskRequest{JobId: string(id), Task: g.taskAt(id, 3)})
	if err != nil || task.GetVerdict() != "failed" || task.GetReason() != "it died:\nat place 3" || task.GetOutput() != nil || task.GetGroups()[0].GetExitCode() != 3 {
		t.Errorf("the task: %v, %v", task, err)
	}
}

// received are the messages of a stream, as RESULT or !EXITCODE REASON.
func received(t *testing.T, client anthillv1.JobServiceClient, req *anthillv1.StreamResultsRequest) (list []string) {
	t.Helper()
	stream, err := client.StreamResults(ctx(t), req)
	if err != nil {
		t.Fatal(err)
	}
	for {
		m, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return list
		}
		if err != nil {
			t.Fatal(err)
		}
		if f := m.GetFailure(); f != nil {
			list = append(list, fmt.Sprintf("%d !%d %s", m.GetTask(), f.GetExitCode(), f.GetReason()))
		} else {
			list = append(list, fmt.Sprintf("%d %d %s", m.GetTask(), m.GetOutput().GetSize(), m.GetData()))
		}
	}
}

func TestFailuresComeAfterTheResults(t *testing.T) {
	t.Parallel()
	g, client, id := failing(t, 0, 3)
	if err := g.results.Store([][]byte{[]byte("one")}); err != nil {
		t.Fatal(err)
	}
	// It ends without being cancelled: of a cancelled job no result is kept.
	var holder jobs.NodeID
	g.Replica.View(func(s *jobs.State) { holder = s.Holders[0] })
	g.do(jobs.Command{Confirm: &jobs.ConfirmHeld{Coordinator: holder, Refused: []jobs.RefusedJob{{Job: id, Reason: "no"}}}})
	result := fmt.Sprintf("%d 3 ", g.taskAt(id, 1))
	var failures []string
	for task := range uint32(5) {
		for _, place := range []jobs.Place{0, 3} {
			if g.taskAt(id, place) == task {
				failures = append(failures, fmt.Sprintf("%d !3 it died:\nat place %d", task, place))
			}
		}
	}
	for _, c := range []struct {
		req  *anthillv1.StreamResultsRequest
		want []string
	}{
		{&anthillv1.StreamResultsRequest{}, []string{result + "one"}},
		{&anthillv1.StreamResultsRequest{WithoutData: true}, []string{result}},
		{&anthillv1.StreamResultsRequest{Failures: true}, append([]string{result + "one"}, failures...)},
		{&anthillv1.StreamResultsRequest{Failures: true, FromSequence: 1 << 40}, failures},
	} {
		c.req.JobId = string(id)
		if got := received(t, client, c.req); !slices.Equal(got, c.want) {
			t.Errorf("%v: got %q, want %q", c.req, got, c.want)
		}
	}
}

// Of a job with many failed tasks they come in several looks at the state.
func TestManyFailuresComeInTurns(t *testing.T) {
	j := &jobs.Job{Spec: jobs.Spec{Input: jobs.Input{Range: &jobs.Range{To: failureScan + 1000, Step: 1}}}, Seed: 7, Next: failureScan + 1000}
	j.Closed = make([]jobs.ClosedTask, j.Next)
	var want []jobs.Index
	for i := jobs.Index(0); int(i) < j.Total(); i += 97 {
		j.Closed[j.PlaceOf(i)].Output.Size = -4
		j.Failed++
		want = append(want, i)
	}
	var got []jobs.Index
	looks := 0
	for next, more := jobs.Index(0), true; more; looks++ {
		var list []jobs.Failure
		list, next, more = failuresFrom(j, next)
		if len(list) > failureBatch {
			t.Errorf("%d in one look", len(list))
		}
		for _, f := range list {
			got = append(got, f.Task)
		}
	}
	if !slices.Equal(got, want) || looks < len(want)/failureBatch {
		t.Errorf("%d failures in %d looks, want %d", len(got), looks, len(want))
	}
}

// Why a task failed is cut to what the rules in force keep of it.
func TestReasonsAreCutToTheRules(t *testing.T) {
	t.Parallel()
	g := start(t)
	s := &Server{cfg: Config{Replica: g.Replica}}
	long := "it died:\n" + strings.Repeat("why it did\n", 1000)
	cut := func() (n int) {
		list := []jobs.Report{{Status: jobs.Crashed, Reason: long}}
		s.shorten(list)
		return len(list[0].Reason)
	}
	if n := cut(); n > jobs.MaxReason || n < jobs.MaxReason/2 {
		t.Errorf("%d bytes by the rules before", n)
	}
	g.do(jobs.Command{Raise: &jobs.RaiseVersion{Version: jobs.LastVersion}})
	if n := cut(); n > jobs.MaxFailure || n < 4<<10 {
		t.Errorf("%d bytes by the newest rules", n)
	}
}
