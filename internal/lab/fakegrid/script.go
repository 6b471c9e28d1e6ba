package fakegrid

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func anybody(context.Context, blob.ID) bool { return true }

// AddJob puts a running job with so many tasks into the grid.
func (g *Grid) AddJob(id string, tasks uint32) {
	job := &anthillv1.Job{
		Id: id, Spec: &anthillv1.JobSpec{Name: id}, Owner: "tester", State: anthillv1.JobState_JOB_STATE_RUNNING,
		SubmittedAt: timestamppb.Now(), Tasks: &anthillv1.TaskCounts{Total: tasks},
		Attempts: &anthillv1.AttemptCounts{}, Fetched: &anthillv1.Traffic{},
		InputCopies: g.Copies, InputCopiesNeeded: 2,
	}
	g.change(func() { g.jobs = append(g.jobs, &Job{Proto: job, tasks: map[uint32]*anthillv1.GetTaskResponse{}}) })
}

// AddNode puts a node into the list.
func (g *Grid) AddNode(node *anthillv1.Node) {
	g.change(func() { g.nodes = append(g.nodes, node) })
}

// Update changes a job.
func (g *Grid) Update(id string, f func(*anthillv1.Job)) {
	g.change(func() {
		job := g.job(id)
		next := proto.CloneOf(job.Proto)
		f(next)
		job.Proto = next
	})
}

// Accept makes data the result of a task, in the place of an earlier one if
// there is one. It took a unit of fuel for each byte.
func (g *Grid) Accept(t testing.TB, id string, task uint32, data []byte) {
	t.Helper()
	ref := blob.Of(data).Ref()
	msg := &anthillv1.StreamResultsResponse{Task: task, Output: wire.RefToProto(ref), Fuel: uint64(ref.Size)}
	if ref.Size <= blob.MinPiece {
		msg.Data = data
	}
	if _, err := g.store.Put(data); err != nil {
		t.Fatal(err)
	}
	changed := false
	g.change(func() {
		job := g.job(id)
		changed = slices.ContainsFunc(job.results, func(m *anthillv1.StreamResultsResponse) bool { return m.GetTask() == task })
		msg.Sequence = uint64(len(job.results))
		job.results = append(job.results, msg)
	})
	g.Update(id, func(job *anthillv1.Job) {
		if changed {
			job.Tasks.Changed++
			return
		}
		job.Tasks.Done++
		job.Tasks.Accepted++
	})
}

// FailTask closes a task as failed.
func (g *Grid) FailTask(id string, task uint32, failure *anthillv1.TaskFailure) {
	g.change(func() {
		job := g.job(id)
		job.failures = append(job.failures, &anthillv1.StreamResultsResponse{Task: task, Failure: failure})
	})
	g.Update(id, func(job *anthillv1.Job) {
		job.Tasks.Failed++
		job.FailedTasks = append(job.FailedTasks, task)
	})
}

// Forget drops what a job is made of.
func (g *Grid) Forget(t testing.TB, id string) {
	t.Helper()
	for _, ref := range g.blobsOf(t, id) {
		if err := g.store.Delete(ref.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func (g *Grid) blobsOf(t testing.TB, id string) []blob.Ref {
	t.Helper()
	g.mu.Lock()
	defer g.mu.Unlock()
	spec, err := wire.SpecFromProto(g.job(id).Proto.GetSpec())
	if err != nil {
		t.Fatal(err)
	}
	return spec.Blobs()
}

// Keep copies what a job is made of from its submitter, as coordinators do.
func (g *Grid) Keep(t testing.TB, id string) {
	t.Helper()
	g.mu.Lock()
	provider := g.job(id).provider
	g.mu.Unlock()
	pool := swarm.NewDialer(g.Coordinator(0).ClientTLS(identity.WantRole(jobs.Submitter)))
	s, err := swarm.New(swarm.Config{Store: g.store, Dial: pool.Dial})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = errors.Join(s.Close(), pool.Close()) }()
	for _, ref := range g.blobsOf(t, id) {
		if _, err := s.Fetch(t.Context(), ref.ID, 0, -1, []swarm.Provider{{Address: provider, Role: jobs.Submitter}}); err != nil {
			t.Fatal(err)
		}
	}
}

// Inspected is what GetTask answers of a task.
func (g *Grid) Inspected(id string, report *anthillv1.GetTaskResponse) {
	g.change(func() { g.job(id).tasks[report.GetTask()] = report })
}

// Watched adds what WatchTasks tells of a job.
func (g *Grid) Watched(id string, m *anthillv1.WatchTasksResponse) {
	g.change(func() {
		job := g.job(id)
		job.watched = append(job.watched, m)
	})
}

// Swarmed sets what GetSwarm tells of a job.
func (g *Grid) Swarmed(id string, m *anthillv1.GetSwarmResponse) {
	g.change(func() { g.job(id).swarm = m })
}

// Tell adds an event.
func (g *Grid) Tell(id, text string) {
	g.change(func() {
		job := g.job(id)
		job.events = append(job.events, &anthillv1.Event{
			Sequence: uint64(len(job.events)), Kind: anthillv1.EventKind_EVENT_KIND_DISPUTED, Text: text, At: timestamppb.Now(),
		})
	})
}

// Finish ends a job.
func (g *Grid) Finish(id string, state anthillv1.JobState, reason string) {
	g.Update(id, func(job *anthillv1.Job) {
		job.State, job.Reason, job.FinishedAt = state, reason, timestamppb.Now()
	})
}

// Fail makes the next calls fail, one with each error. ListNodes does not count,
// here and in Calls: the SDK asks for the coordinators of its own accord.
func (g *Grid) Fail(errs ...error) {
	g.change(func() { g.failures = append(g.failures, errs...) })
}

// Submissions are the requests that made a job, each once.
func (g *Grid) Submissions() []*anthillv1.SubmitJobRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.submissions
}

// Wishes are the requests that made a token.
func (g *Grid) Wishes() []*anthillv1.CreateTokenRequest {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.wishes
}

// Calls counts the calls that came in, those that failed included.
func (g *Grid) Calls() int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.calls
}

// enter counts a call and tells whether it is to fail.
func (g *Grid) enter() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls++
	if len(g.failures) == 0 {
		return nil
	}
	err := g.failures[0]
	g.failures = g.failures[1:]
	return err
}

// submit makes a job of a request, unless it is a repeated one.
func (g *Grid) submit(req *anthillv1.SubmitJobRequest) *anthillv1.Job {
	g.mu.Lock()
	known := g.requests[req.GetRequestId()]
	id := fmt.Sprintf("%s-%d", req.GetSpec().GetName(), len(g.jobs)+1)
	g.mu.Unlock()
	if known != nil {
		return known.Proto
	}
	tasks := int64(0)
	if in, err := wire.InputFromProto(req.GetSpec().GetInput()); err == nil {
		tasks = in.Tasks()
	}
	g.AddJob(id, uint32(tasks))
	g.Update(id, func(job *anthillv1.Job) {
		job.Spec = proto.CloneOf(req.GetSpec())
		if g.Drop != nil {
			g.Drop(job.Spec)
		}
	})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.job(id).provider = req.GetProvider()
	g.submissions = append(g.submissions, req)
	g.requests[req.GetRequestId()] = g.job(id)
	return g.job(id).Proto
}
