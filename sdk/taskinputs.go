package sdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TaskInput is what one task of a job reads.
type TaskInput struct {
	// Task is its index in the whole input: another than in the job if that is a retry.
	Task int
	// Text says what it is in the words of the job file: an item, a range, the name of a
	// file, or a part of one. Empty if the grid does not know.
	Text string
}

// TaskInputs are what the tasks of a job read.
type TaskInputs struct {
	// Job is whose input the tasks are of, and Tasks how many it has: of a retry, those
	// of the job that it is a retry of.
	Job   string
	Tasks int

	input  jobs.Input
	labels *labels
}

// labelTime is for how long labels are asked for that nothing depends on.
const labelPatience = callTime

// TaskInputs asks the grid what the tasks of a job read. If nobody has that any more,
// ranges and parts of files are told all the same; of a retry it is an error then, of
// kind ErrUnavailable, since nothing else tells its tasks.
func (g *Grid) TaskInputs(ctx context.Context, job *anthillv1.Job) (*TaskInputs, error) {
	in, err := wire.InputFromProto(job.GetSpec().GetInput())
	if err != nil {
		return nil, fmt.Errorf("input of job %s: %w", job.GetId(), err)
	}
	tasks := int(job.GetTasks().GetTotal())
	inputs := &TaskInputs{Job: job.GetId(), Tasks: tasks, input: in, labels: &labels{}}
	if in.Blob != nil && in.Blob.Labels != nil {
		inputs.labels, err = g.fetchLabels(ctx, job, in.Blob.Labels.ID, tasks)
	}
	retry := job.GetSpec().GetRetryOf() != ""
	switch {
	case retry && err == nil && inputs.labels.Of == nil:
		return nil, fmt.Errorf("input of job %s: it does not say of which tasks it is a retry", job.GetId())
	case retry && err != nil:
		return nil, err
	case err != nil:
		inputs.labels = &labels{}
		g.logger.Debug("failed to fetch what the tasks read", "job", job.GetId(), "error", err)
	}
	if of := inputs.labels.Of; of != nil {
		inputs.Job, inputs.Tasks = of.Job, of.Tasks
	}
	return inputs, ctx.Err()
}

// fetchLabels does not wait for long unless a retry needs them.
func (g *Grid) fetchLabels(ctx context.Context, job *anthillv1.Job, id blob.ID, tasks int) (*labels, error) {
	if job.GetSpec().GetRetryOf() == "" {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, labelPatience)
		defer cancel()
	}
	text, err := g.fetchSmall(ctx, "fetch what the tasks of job "+job.GetId()+" read", id)
	if err != nil {
		return &labels{}, err
	}
	return readLabels(bytes.NewReader(text), tasks)
}

// fetchSmall gets a blob that fits into memory from the coordinators.
func (g *Grid) fetchSmall(ctx context.Context, what string, id blob.ID) ([]byte, error) {
	store, err := g.openResultStore()
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	err = g.persist(ctx, what, func(ctx context.Context, _ func()) error {
		data.Reset()
		return store.fetch(ctx, id, &data)
	})
	if errors.Is(err, context.DeadlineExceeded) {
		err = problem.Unavailable("", "%s: nobody has it any more", what)
	}
	return data.Bytes(), err
}

// At is what a task reads, by its index in the job.
func (in *TaskInputs) At(i int) TaskInput {
	label := in.labels.at(i)
	t := TaskInput{Task: i, Text: in.extent(i)}
	if in.labels.Of != nil {
		t.Task = label.Task
	}
	if text := in.labels.describe(label, t.Task); text != "" {
		t.Text = text
	}
	return t
}

// extent is the range or the bytes that a task reads, as far as the job itself says.
func (in *TaskInputs) extent(i int) string {
	b := in.input.Blob
	switch {
	case in.input.Range != nil:
		from, to, _ := strings.Cut(strings.TrimSpace(in.input.Range.Line(jobs.Index(i))), " ")
		return "range " + from + ".." + to
	case b != nil && b.ShardSize > 0:
		return fmt.Sprintf("bytes %d to %d", int64(i)*b.ShardSize, min(int64(i+1)*b.ShardSize, b.Blob.Size))
	}
	return ""
}
