package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// ErrNothingMissing is of a retry of a job that has all its results.
var ErrNothingMissing = errors.New("no result is missing")

// PrepareRetry prepares a job that runs those tasks of a finished one that have no
// result: they failed, or the job ended before they were run. Everything else is as file
// says, whose input must be that of the finished job; without a file it is as in the
// finished job. The results of both can be put together: TaskInputs tells the indexes of
// the tasks. It is an error of kind ErrNothingMissing if there is no such task, of kind
// ErrInvalid if the input is another or the job is not finished, and of kind
// ErrUnavailable if there is no file and the grid has not kept the input.
func (g *Grid) PrepareRetry(ctx context.Context, id string, file *JobFile) (*Prepared, error) {
	job, err := g.Job(ctx, id)
	if err != nil {
		return nil, err
	}
	if !Finished(job) {
		return nil, problem.Invalid("wait until it is finished, or cancel it first", "retry job %s: it still runs", id)
	}
	inputs, err := g.TaskInputs(ctx, job)
	if err != nil {
		return nil, err
	}
	missing, err := g.lacking(ctx, id, int(job.GetTasks().GetTotal()))
	if err != nil {
		return nil, err
	}
	if len(missing) == 0 {
		return nil, &problem.Problem{Kind: ErrNothingMissing, Message: fmt.Sprintf("retry job %s: all of its %d tasks have a result", id, job.GetTasks().GetTotal())}
	}
	r := &retry{grid: g, job: job, inputs: inputs, missing: missing}
	if r.prepared, err = r.prepare(ctx, file); err != nil {
		return nil, err
	}
	if err := r.narrow(ctx); err != nil {
		return nil, errors.Join(err, r.prepared.Close())
	}
	return r.prepared, nil
}

// retry is one PrepareRetry.
type retry struct {
	grid     *Grid
	job      *anthillv1.Job
	inputs   *TaskInputs
	missing  []int // indexes in the job
	prepared *Prepared
	// whole: what was prepared is the whole input, and not the part of it that the job
	// had, which was a retry itself.
	whole bool
}

// prepare reads the job file, or gets the job from the grid.
func (r *retry) prepare(ctx context.Context, file *JobFile) (*Prepared, error) {
	if file == nil {
		p, err := r.grid.adopt(ctx, r.job)
		if err == nil {
			p.labels = *r.inputs.labels
		}
		return p, err
	}
	p, err := Prepare(ctx, file)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(p.resolve(ctx, r.grid), r.match(p)); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	r.whole = true
	return p, nil
}

// match refuses an input that is not the job's.
func (r *retry) match(p *Prepared) error {
	want := inputDigest(r.inputs.input)
	if of := r.inputs.labels.Of; of != nil {
		want = of.Digest
	}
	const next = "retry it with the input that it had, or submit a job of its own"
	switch {
	case p.Tasks() != r.inputs.Tasks:
		return p.file.wrong("input", next, "it makes %d tasks, and job %s has %d", p.Tasks(), r.inputs.Job, r.inputs.Tasks)
	case inputDigest(p.spec.Input) != want:
		return p.file.wrong("input", next, "it is another than that of job %s: something in it has changed", r.inputs.Job)
	}
	return nil
}

// narrow makes the missing tasks the input of what was prepared.
func (r *retry) narrow(ctx context.Context) error {
	p := r.prepared
	of := wholeInput{Job: r.inputs.Job, Tasks: r.inputs.Tasks, Digest: inputDigest(p.spec.Input)}
	if r.inputs.labels.Of != nil {
		of = *r.inputs.labels.Of
	}
	if err := r.bring(ctx); err != nil {
		return err
	}
	part := &partialInput{read: p.Shard, tasks: r.sources()}
	l := labels{labelHead: p.labels.labelHead}
	l.Of = &of
	for i, source := range part.tasks {
		label := p.labels.at(source)
		label.Task = r.inputs.At(r.missing[i]).Task
		if p.labels.describe(label, label.Task) == "" {
			label.Text = r.inputs.At(r.missing[i]).Text
		}
		l.tasks = append(l.tasks, label)
	}
	p.labels = l
	if err := p.readShards(ctx, "input", part); err != nil {
		return err
	}
	p.spec.Input.Range = nil
	p.spec.RetryOf = jobs.JobID(of.Job)
	p.spec.AllowFailed = min(p.spec.AllowFailed, uint32(len(r.missing)))
	if err := p.storeLabels(); err != nil {
		return err
	}
	p.reckon()
	return p.check()
}

// reckon counts what a job is made of, after its input was replaced.
func (p *Prepared) reckon() {
	p.size = p.spec.Bundle.Size + p.spec.Input.Blob.Blob.Size + p.spec.Input.Blob.Index.Size
	named := map[blob.ID]bool{}
	for _, d := range p.spec.Data {
		p.size += d.Blob.Size
		named[d.Blob.ID] = true
	}
	p.datasets = slices.DeleteFunc(p.datasets, func(id blob.ID) bool { return !named[id] })
}

// sources are the missing tasks by their indexes in what was prepared.
func (r *retry) sources() []int {
	if !r.whole {
		return r.missing
	}
	list := make([]int, len(r.missing))
	for i, task := range r.missing {
		list[i] = r.inputs.At(task).Task
	}
	return list
}

// bring fetches what the missing tasks read, where it is not here.
func (r *retry) bring(ctx context.Context) error {
	b := r.prepared.spec.Input.Blob
	if b == nil || r.prepared.store.Complete(b.Blob.ID) {
		return nil
	}
	return r.grid.fetchInto(ctx, r.prepared.store, "input", func(fetch fetchRange) error {
		for _, task := range r.sources() {
			shard, err := r.prepared.spec.Input.Shard(jobs.Index(task), r.prepared.readRange)
			if err != nil {
				return err
			}
			if shard.Size == 0 {
				continue
			}
			if err := fetch(shard.Blob.ID, shard.Off, shard.Size); err != nil {
				return err
			}
		}
		return nil
	})
}

// partialInput is some tasks of an input, as one stream.
type partialInput struct {
	read  func(task int) ([]byte, error)
	tasks []int // not begun yet
	rest  []byte
	at    uint64
	ends  []uint64
}

func (s *partialInput) Read(buf []byte) (int, error) {
	for len(s.rest) == 0 {
		if len(s.ends) == len(s.tasks) {
			return 0, io.EOF
		}
		var err error
		if s.rest, err = s.read(s.tasks[len(s.ends)]); err != nil {
			return 0, err
		}
		s.at += uint64(len(s.rest))
		s.ends = append(s.ends, s.at)
	}
	n := copy(buf, s.rest)
	s.rest = s.rest[n:]
	return n, nil
}

func (s *partialInput) offsets() []uint64 { return append([]uint64{0}, s.ends...) }

// fetchRange brings n bytes of a blob from off on, or all of it if n is -1.
type fetchRange func(id blob.ID, off, n int64) error

// fetchInto lets what brings parts of blobs from the coordinators into a store.
func (g *Grid) fetchInto(ctx context.Context, store *blobstore.Store, what string, bring func(fetchRange) error) error {
	pool := swarm.NewDialer(g.identity.ClientTLS(identity.WantRole(jobs.Coordinator)))
	s, err := swarm.New(swarm.Config{Store: store, Dial: pool.Dial, Patience: g.patience, Logger: g.logger})
	if err != nil {
		return errors.Join(err, pool.Close())
	}
	err = bring(func(id blob.ID, off, n int64) error {
		_, err := s.Fetch(ctx, id, off, n, g.coordinators())
		if errors.Is(err, swarm.ErrUnavailable) {
			return problem.Unavailable("give the job file, which names it on this machine", "%s: the grid has not kept it: %w", what, err)
		}
		return err
	})
	return errors.Join(err, s.Close(), pool.Close())
}

// adopt prepares a job anew from what the grid has kept of it: all but its input.
func (g *Grid) adopt(ctx context.Context, job *anthillv1.Job) (*Prepared, error) {
	spec, err := wire.SpecFromProto(job.GetSpec())
	if err != nil {
		return nil, err
	}
	p, err := newPrepared(&JobFile{}, spec)
	if err != nil {
		return nil, err
	}
	err = g.fetchInto(ctx, p.store, "job "+job.GetId(), func(fetch fetchRange) error {
		blobs := []blob.Ref{spec.Bundle}
		for _, d := range spec.Data {
			blobs = append(blobs, d.Blob)
		}
		if b := spec.Input.Blob; b != nil && b.Index != nil {
			blobs = append(blobs, *b.Index)
		}
		for _, ref := range blobs {
			if err := fetch(ref.ID, 0, -1); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}
