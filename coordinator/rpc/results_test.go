package rpc

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// submit makes a job of ten tasks, each of which runs once.
func (g *grid) submit(by *identity.Identity) jobs.JobID {
	g.Helper()
	spec := rangeSpec()
	spec.GetInput().GetRange().To = 10
	resp, err := anthillv1.NewJobServiceClient(g.dial(by, g.leader)).SubmitJob(g.Context(), &anthillv1.SubmitJobRequest{Spec: spec})
	if err != nil {
		g.Fatal(err)
	}
	return jobs.JobID(resp.GetJob().GetId())
}

// replace makes the result of a place another one, and retake takes it back,
// as verdicts do. Nobody else may look at the state meanwhile.
func (g *grid) replace(id jobs.JobID, place jobs.Place, data string) {
	if err := g.results.Store([][]byte{[]byte(data)}); err != nil {
		g.Fatal(err)
	}
	g.View(func(s *jobs.State) {
		j := s.Jobs[id]
		j.Closed[place] = jobs.ClosedTask{Output: blob.Of([]byte(data)).Ref(), Sequence: jobs.Sequence(len(j.Order)), Fuel: uint64(len(data))}
		j.Order = append(j.Order, place)
	})
}

func (g *grid) retake(id jobs.JobID, place jobs.Place) {
	g.View(func(s *jobs.State) { s.Jobs[id].Closed[place] = jobs.ClosedTask{} })
}

type resultsOf = grpc.ServerStreamingClient[anthillv1.StreamResultsResponse]

// told are so many results as SEQUENCE:BYTES, after their tasks were checked.
func (g *grid) told(id jobs.JobID, places []jobs.Place, stream resultsOf) (list []string) {
	g.Helper()
	for _, place := range places {
		m, err := stream.Recv()
		if err != nil {
			g.Fatalf("after %v: %v", list, err)
		}
		if want := g.taskAt(id, place); m.GetTask() != want {
			g.Errorf("result %d is said to be of task %d, want %d", m.GetSequence(), m.GetTask(), want)
		}
		list = append(list, fmt.Sprintf("%d:%s", m.GetSequence(), m.GetData()))
	}
	return list
}

func TestFinalAndProvisionalResults(t *testing.T) {
	t.Parallel()
	g := start(t)
	ann, worker := g.admit(jobs.Submitter, "ann"), g.admit(jobs.Worker, "w").Node()
	id := g.submit(ann)
	g.accept(id, 0, worker, []byte("wrong"))
	g.accept(id, 1, worker, []byte("one"))
	g.accept(id, 2, worker, []byte("taken back"))
	g.replace(id, 0, "zero")
	g.retake(id, 2)
	client := anthillv1.NewJobServiceClient(g.dial(ann, g.follower))
	open := func(req *anthillv1.StreamResultsRequest) resultsOf {
		req.JobId = string(id)
		stream, err := client.StreamResults(ctx(t), req)
		if err != nil {
			t.Fatal(err)
		}
		// The header comes though the job runs and there may be nothing to send.
		if header, err := stream.Header(); header == nil || err != nil {
			t.Fatalf("no header: %v", err)
		}
		return stream
	}
	final, resumed := open(&anthillv1.StreamResultsRequest{}), open(&anthillv1.StreamResultsRequest{FromSequence: 3})
	provisional := open(&anthillv1.StreamResultsRequest{Provisional: true})
	got := g.told(id, []jobs.Place{1}, provisional)
	if m, err := provisional.Recv(); err != nil || m.GetFuel() != 4 {
		t.Errorf("a result of 4 units of fuel: %v, %v", m, err)
	} else {
		got = append(got, fmt.Sprintf("%d:%s", m.GetSequence(), m.GetData()))
	}
	g.accept(id, 3, worker, []byte("three"))
	got = append(got, g.told(id, []jobs.Place{3}, provisional)...)
	want := []string{"1:one", "3:zero", "4:three"}
	if !slices.Equal(got, want) {
		t.Errorf("provisional: got %q, want %q", got, want)
	}
	early := make(chan string, 1)
	go func() {
		m, err := final.Recv()
		early <- fmt.Sprintf("%d:%s %v", m.GetSequence(), m.GetData(), err)
	}()
	select {
	case m := <-early:
		t.Fatalf("told before the job was finished: %s", m)
	case <-time.After(300 * time.Millisecond):
	}
	g.do(jobs.Command{Cancel: &jobs.CancelJob{Job: id, By: "op"}})
	if first := <-early; first != "1:one <nil>" {
		t.Errorf("final: the first is %s", first)
	}
	if got := g.told(id, []jobs.Place{0, 3}, final); !slices.Equal(got, want[1:]) {
		t.Errorf("final: got %q, want %q", got, want[1:])
	}
	if got := g.told(id, []jobs.Place{0, 3}, resumed); !slices.Equal(got, want[1:]) {
		t.Errorf("resumed: got %q, want %q", got, want[1:])
	}
	for _, stream := range []resultsOf{final, resumed, provisional} {
		if m, err := stream.Recv(); !errors.Is(err, io.EOF) {
			t.Errorf("after the last result: %v, %v; want the end", m, err)
		}
	}
}

func TestResultsThatAreNotHereAreWaitedFor(t *testing.T) {
	t.Parallel()
	g := start(t)
	ann, worker := g.admit(jobs.Submitter, "ann"), g.admit(jobs.Worker, "w").Node()
	id := g.submit(ann)
	missing := g.accept(id, 0, worker, []byte("missing"))
	delete(g.results.data, missing.ID) // nobody else looks at it yet
	g.do(jobs.Command{Cancel: &jobs.CancelJob{Job: id, By: "op"}})
	s := &Server{cfg: Config{Replica: g.Replica, Results: g.results}}
	overdue := resultStream{server: s, job: id, moved: time.Now().Add(-2 * resultWait)}
	expect(t, "a result that does not come", overdue.run(ctx(t)), codes.Unavailable, "RESULT_MISSING")

	stream, err := anthillv1.NewJobServiceClient(g.dial(ann, g.leader)).StreamResults(ctx(t), &anthillv1.StreamResultsRequest{JobId: string(id)})
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(200*time.Millisecond, func() { g.results.Store([][]byte{[]byte("missing")}) })
	if got := g.told(id, []jobs.Place{0}, stream); got[0] != "0:missing" {
		t.Errorf("got %q", got)
	}
	if !g.results.demanded[id] {
		t.Error("results of a job that came to nothing are not copied unless somebody asks for them: nobody did")
	}
}

func TestGetTask(t *testing.T) {
	t.Parallel()
	g := start(t)
	ann, worker := g.admit(jobs.Submitter, "ann"), g.admit(jobs.Worker, "w").Node()
	id := g.submit(ann)
	g.View(func(s *jobs.State) {
		if s.Jobs[id].Seed == 0 {
			t.Error("the tasks are opened in the order of their indices")
		}
	})
	output := g.accept(id, 0, worker, []byte("x"))
	client := anthillv1.NewJobServiceClient(g.dial(ann, g.follower))
	task := g.taskAt(id, 0)
	m, err := client.GetTask(ctx(t), &anthillv1.GetTaskRequest{JobId: string(id), Task: task})
	if err != nil || m.GetTask() != task || m.GetVerdict() != "accepted" || blob.ID(m.GetOutput().GetId()) != output.ID {
		t.Errorf("got %v, %v", m, err)
	}
	if len(m.GetAttempts()) != 1 || m.GetAttempts()[0].GetNodeId() != string(worker) || m.GetAttempts()[0].GetState() != "voted" {
		t.Errorf("attempts %v", m.GetAttempts())
	}
	untouched := g.taskAt(id, 5)
	if m, err := client.GetTask(ctx(t), &anthillv1.GetTaskRequest{JobId: string(id), Task: untouched}); err != nil || m.GetVerdict() != "untouched" {
		t.Errorf("task %d: got %v, %v", untouched, m, err)
	}
	for _, index := range []uint32{10, 1<<32 - 1} {
		_, err = client.GetTask(ctx(t), &anthillv1.GetTaskRequest{JobId: string(id), Task: index})
		expect(t, "a task that is not there", err, codes.NotFound, "UNKNOWN_TASK")
	}
	_, err = client.GetTask(ctx(t), &anthillv1.GetTaskRequest{JobId: "nope"})
	expect(t, "a task of no job", err, codes.NotFound, "UNKNOWN_JOB")
	operator := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Operator, "operators"), g.leader))
	if _, err := operator.GetTask(ctx(t), &anthillv1.GetTaskRequest{JobId: string(id)}); err != nil {
		t.Errorf("an operator: %v", err)
	}
}

func TestDefaultTrustIsAMaxError(t *testing.T) {
	t.Parallel()
	g := start(t)
	client := anthillv1.NewJobServiceClient(g.dial(g.admit(jobs.Submitter, "ann"), g.leader))
	spec := rangeSpec()
	spec.Trust = nil
	resp, err := client.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: spec})
	if err != nil || resp.GetJob().GetSpec().GetTrust().GetMaxError() != 1e-4 {
		t.Errorf("got %v, %v", resp.GetJob().GetSpec().GetTrust(), err)
	}
	spec.Trust = &anthillv1.Trust{MaxError: 1e-3, Quorum: 2}
	_, err = client.SubmitJob(ctx(t), &anthillv1.SubmitJobRequest{Spec: spec})
	expect(t, "max_error beside a quorum", err, codes.InvalidArgument, "INVALID_FIELD")
}
