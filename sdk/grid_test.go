package sdk

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// connect makes a client that gives up soon.
func connect(t *testing.T, fake *fakegrid.Grid, patience time.Duration) *Grid {
	t.Helper()
	grid, err := Connect(t.Context(), Config{Grid: fake.Client(t, jobs.Submitter), Patience: patience})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := grid.Close(); err != nil {
			t.Error(err)
		}
	})
	return grid
}

func submitItems(t *testing.T, grid *Grid) (*Job, error) {
	t.Helper()
	file, err := ParseJobFile(filepath.Join(jobDir(t), "job.yaml"), []byte(head+"input: {items: [a, b]}"))
	if err != nil {
		t.Fatal(err)
	}
	return grid.Submit(t.Context(), file)
}

func TestSubmitServesTheInputToTheGridAlone(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	fake := fakegrid.Start(t, 2)
	job, err := submitItems(t, connect(t, fake, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	req := fake.Submissions()[0]
	greet := func(id *identity.Identity) error {
		conn, err := grpc.NewClient(req.GetProvider(), grpc.WithTransportCredentials(identity.ClientCredentials(id, identity.WantRole(jobs.Submitter))))
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		stream, err := anthillv1.NewPieceServiceClient(conn).Exchange(t.Context())
		if err != nil {
			return err
		}
		_ = stream.Send(&anthillv1.ExchangeRequest{Blob: req.GetSpec().GetBundle().GetId()}) // Recv tells
		_, err = stream.Recv()
		return err
	}
	if err := greet(fake.Coordinator(0)); err != nil {
		t.Errorf("a coordinator may not read the bundle: %v", err)
	}
	other, err := identity.Load(fake.Client(t, jobs.Submitter))
	if err != nil {
		t.Fatal(err)
	}
	if err := greet(other.Identity); status.Code(err) != codes.NotFound {
		t.Errorf("another submitter: got %v, want NotFound", err)
	}
	if err := job.Close(); err != nil {
		t.Error(err)
	}
	if err := greet(fake.Coordinator(0)); status.Code(err) != codes.Unavailable {
		t.Errorf("after Close: got %v, want Unavailable", err)
	}
	expectNoTemporaries(t)
}

func TestSubmitOnceThoughTheAnswerIsLost(t *testing.T) {
	fake := fakegrid.Start(t, 2)
	fake.Fail(status.Error(codes.Unavailable, "leader lost"), status.Error(codes.Unavailable, "leader lost"))
	job, err := submitItems(t, connect(t, fake, 5*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	if n := len(fake.Submissions()); n != 1 || job.ID() != "t-1" {
		t.Errorf("%d submissions, job %s; want one, t-1", n, job.ID())
	}
}

func TestSubmitRefused(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	fake := fakegrid.Start(t, 1)
	fake.Fail(status.Error(codes.InvalidArgument, "limits.memory: too much"))
	_, err := submitItems(t, connect(t, fake, time.Second))
	if !errors.Is(err, ErrInvalid) || err.Error() != "submit job t: limits.memory: too much" {
		t.Errorf("got %v", err)
	}
	expectNoTemporaries(t)
}

func TestWaitUploaded(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	fake.Copies = 1
	job, err := submitItems(t, connect(t, fake, time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer job.Close()
	short, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if err := job.WaitUploaded(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with one copy of two: got %v", err)
	}
	fake.Update(job.ID(), func(j *anthillv1.Job) { j.InputCopies, j.InputOwners, j.InputOwnersNeeded = 2, 1, 2 })
	again, cancelAgain := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancelAgain()
	if err := job.WaitUploaded(again); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("with both copies in one hand of two: got %v", err)
	}
	time.AfterFunc(50*time.Millisecond, func() {
		fake.Update(job.ID(), func(j *anthillv1.Job) { j.InputOwners = 2 })
	})
	if err := job.WaitUploaded(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestCallsGoOnWithoutADeadCoordinator(t *testing.T) {
	fake := fakegrid.Start(t, 3)
	grid := connect(t, fake, 5*time.Second)
	fake.AddJob("first", 1)
	fake.AddJob("second", 1)
	for dead := range 2 {
		list, err := grid.Jobs(t.Context())
		if err != nil || len(list) != 2 || list[0].GetId() != "second" {
			t.Fatalf("with %d dead: got %v, %v", dead, list, err)
		}
		fake.Kill(dead)
		for range 6 {
			if _, err := grid.Job(t.Context(), "first"); err != nil {
				t.Fatalf("after coordinator %d died: %v", dead, err)
			}
		}
	}
}

func TestNoCoordinatorAnswers(t *testing.T) {
	fake := fakegrid.Start(t, 2)
	grid := connect(t, fake, 300*time.Millisecond)
	fake.Kill(0)
	fake.Kill(1)
	start := time.Now()
	_, err := grid.Jobs(t.Context())
	if !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "list jobs: no coordinator could answer for 300ms (tried 127.0.0.1:") {
		t.Errorf("got %v", err)
	}
	if strings.Contains(err.Error(), "rpc error") || strings.Contains(err.Error(), "desc =") || NextStep(err) == "" {
		t.Errorf("not for people: %v; next %q", err, NextStep(err))
	}
	if took := time.Since(start); took < 300*time.Millisecond || took > 5*time.Second {
		t.Errorf("took %v, want about 300 ms", took)
	}
	// The patience starts anew with each call, and ends when one comes back.
	grid.patience = 10 * time.Second
	time.AfterFunc(200*time.Millisecond, func() { fake.Restart(t, 1) })
	if _, err := grid.Jobs(t.Context()); err != nil {
		t.Errorf("after one came back: %v", err)
	}
}

func TestErrorsAreNotRetriedInVain(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, 5*time.Second)
	_, err := grid.Job(t.Context(), "nosuch")
	if !errors.Is(err, ErrNotFound) || err.Error() != `get job: job "nosuch": no such job` || NextStep(err) != "list the jobs: anthill jobs" {
		t.Errorf("got %v, next %q", err, NextStep(err))
	}
	if n := fake.Calls(); n != 1 {
		t.Errorf("%d calls, want 1", n)
	}
}

func TestCallsEndWithTheContext(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, time.Minute)
	fake.Kill(0)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := grid.Jobs(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestCancel(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, time.Second)
	fake.AddJob("j", 1)
	job, err := grid.Cancel(t.Context(), "j")
	if err != nil || job.GetState() != anthillv1.JobState_JOB_STATE_CANCELLED {
		t.Errorf("got %v, %v", job, err)
	}
	if _, err := grid.Cancel(t.Context(), "j"); !errors.Is(err, ErrRefused) {
		t.Errorf("cancelled twice: %v", err)
	}
}

func TestConnectWithoutAGrid(t *testing.T) {
	t.Setenv("ANTHILL_HOME", t.TempDir())
	t.Setenv("ANTHILL_GRID", "")
	if _, err := Connect(t.Context(), Config{}); !errors.Is(err, ErrNotFound) || NextStep(err) == "" {
		t.Errorf("got %v", err)
	}
}

func TestAnotherGridsCoordinatorsAreNotTrusted(t *testing.T) {
	mine, other := fakegrid.Start(t, 1), fakegrid.Start(t, 1)
	dir, err := identity.Load(mine.Client(t, jobs.Submitter))
	if err != nil {
		t.Fatal(err)
	}
	dir.Coordinators = other.Addresses()
	grid, err := open(dir, t.TempDir(), Config{Patience: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer grid.Close()
	if _, err := grid.Jobs(t.Context()); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v", err)
	}
	if other.Calls() != 0 {
		t.Error("the other grid was called")
	}
}

func TestTask(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, time.Second)
	fake.AddJob("j", 3)
	fake.Inspected("j", &anthillv1.GetTaskResponse{Task: 1, Verdict: "disputed"})
	for index, verdict := range map[uint32]string{0: "untouched", 1: "disputed"} {
		report, err := grid.Task(t.Context(), "j", index)
		if err != nil || report.GetTask() != index || report.GetVerdict() != verdict {
			t.Errorf("task %d: got %v, %v", index, report, err)
		}
	}
	_, err := grid.Task(t.Context(), "j", 3)
	if !errors.Is(err, ErrNotFound) || err.Error() != "get task: task 3: job j has tasks 0 to 2" {
		t.Errorf("got %v", err)
	}
}

// What a process leaves behind that ends while it writes is a copy of a file.
func TestCloseWaitsForWhatIsBeingLearned(t *testing.T) {
	fake := fakegrid.Start(t, 1)
	grid, err := Connect(t.Context(), Config{Grid: fake.Client(t, jobs.Submitter)})
	if err != nil {
		t.Fatal(err)
	}
	if err := grid.Close(); err != nil {
		t.Error(err)
	}
	select {
	case <-grid.learned:
	default:
		t.Error("it may still write")
	}
}

// What is no text cannot be sent: the field is named, and it is bad input.
func TestTextThatIsNoneIsNamed(t *testing.T) {
	grid := connect(t, fakegrid.Start(t, 1), time.Second)
	_, inJob := grid.Job(t.Context(), "a\xff")
	_, inToken := grid.CreateToken(t.Context(), &anthillv1.CreateTokenRequest{Role: anthillv1.Role_ROLE_WORKER, Owner: "\xff"})
	var inResults, inWatch error
	for _, err := range grid.Results(t.Context(), "\xff") {
		inResults = err
	}
	for _, err := range grid.Watch(t.Context(), "\xff") {
		inWatch = err
	}
	file := &JobFile{Path: filepath.Join(jobDir(t), "job.yaml"), Name: "t", Bundle: "t.wasm", Args: []string{"fine", "\xff"}, Input: Input{Items: []any{1}}}
	_, inSpec := grid.Submit(t.Context(), file)
	for want, err := range map[string]error{
		"get job: job_id: ": inJob, "create token: owner: ": inToken, "get results: job_id: ": inResults, "watch job: job_id: ": inWatch, "submit job t: spec.args: ": inSpec,
	} {
		if !errors.Is(err, ErrInvalid) || err.Error() != want+"it has bytes that are not UTF-8" || NextStep(err) == "" {
			t.Errorf("got %v, want %s...", err, want)
		}
	}
}
