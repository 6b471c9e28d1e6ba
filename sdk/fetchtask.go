package sdk

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TaskFiles are what one task of a job runs and reads, on this machine.
type TaskFiles struct {
	// Module is the path of the bundle, and Data are those of the data files by their names.
	Module string
	Data   map[string]string
	// Shard is what the task reads on stdin.
	Shard []byte
}

// FetchTask brings what a task of a job runs and reads into a directory, checked by hash. It is
// an error of kind ErrInvalid if the job has no such task, and of kind ErrUnavailable if
// nobody has the input any more.
func (g *Grid) FetchTask(ctx context.Context, job *anthillv1.Job, task uint32, dir string) (*TaskFiles, error) {
	if total := job.GetTasks().GetTotal(); task >= total {
		return nil, problem.Invalid(fmt.Sprintf("it has tasks 0 to %d", int64(total)-1), "job %s: no task %d", job.GetId(), task)
	}
	spec, err := wire.SpecFromProto(job.GetSpec())
	if err != nil {
		return nil, fmt.Errorf("job %s: %w", job.GetId(), err)
	}
	f := &TaskFiles{Data: map[string]string{}}
	if f.Module, err = g.fetchFile(ctx, filepath.Join(dir, "module"), "bundle", spec.Bundle.ID); err != nil {
		return nil, err
	}
	for i, d := range spec.Data {
		// A directory each: what a task may read is all that lies in those of its files.
		if f.Data[d.Name], err = g.fetchFile(ctx, filepath.Join(dir, fmt.Sprintf("data-%d", i)), "data "+d.Name, d.Blob.ID); err != nil {
			return nil, err
		}
	}
	f.Shard, err = g.fetchShard(ctx, spec.Input, jobs.Index(task))
	return f, err
}

// fetchFile writes a blob into a new directory.
func (g *Grid) fetchFile(ctx context.Context, dir, what string, id blob.ID) (path string, err error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return "", fmt.Errorf("fetch %s: %w", what, err)
	}
	path = filepath.Join(dir, "blob")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("fetch %s: %w", what, err)
	}
	defer func() {
		if closing := file.Close(); err == nil {
			err = closing
		}
	}()
	store, err := g.openResultStore()
	if err != nil {
		return "", err
	}
	return path, g.persist(ctx, "fetch "+what, func(ctx context.Context, _ func()) error {
		if _, err := file.Seek(0, io.SeekStart); err != nil {
			return err
		}
		return store.fetch(ctx, id, file)
	})
}

func (g *Grid) fetchShard(ctx context.Context, in jobs.Input, task jobs.Index) ([]byte, error) {
	what := fmt.Sprintf("fetch input of task %d", task)
	part := func(ref blob.Ref, off, n int64) ([]byte, error) { return g.fetchPart(ctx, what, ref.ID, off, n) }
	shard, err := in.Shard(task, part)
	if err != nil {
		return nil, err
	}
	if shard.Size == 0 {
		return []byte(shard.Line), nil
	}
	return part(shard.Blob, shard.Off, shard.Size)
}

// fetchPart gets n bytes of a blob from off on.
func (g *Grid) fetchPart(ctx context.Context, what string, id blob.ID, off, n int64) ([]byte, error) {
	store, err := g.openResultStore()
	if err != nil {
		return nil, err
	}
	var data bytes.Buffer
	err = g.persist(ctx, what, func(ctx context.Context, _ func()) error {
		data.Reset()
		return store.fetchPart(ctx, id, off, n, &data)
	})
	return data.Bytes(), err
}
