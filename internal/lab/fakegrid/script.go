package fakegrid

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/wire"
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
	} else if _, err := g.store.Put(data); err != nil {
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

// Inspected is what GetTask answers of a task.
func (g *Grid) Inspected(id string, report *anthillv1.GetTaskResponse) {
	g.change(func() { g.job(id).tasks[report.GetTask()] = report })
}

// Tell adds an event.
func (g *Grid) Tell(id, text string) {
	g.change(func() {
		job := g.job(id)
		job.events = append(job.events, &anthillv1.Event{
			Sequence: uint64(len(job.events)), Kind: anthillv1.EventKind_EVENT_KIND_DISPUTED, Text: text,
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
	g.AddJob(id, 0)
	g.Update(id, func(job *anthillv1.Job) { job.Spec = req.GetSpec() })
	g.mu.Lock()
	defer g.mu.Unlock()
	g.submissions = append(g.submissions, req)
	g.requests[req.GetRequestId()] = g.job(id)
	return g.job(id).Proto
}
