package sdk

import (
	"context"
	"fmt"
	"io"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/problem"
)

// Conn calls the coordinators in the name of this identity: for programs that speak the
// grid's protocol themselves. It must not be used after Close.
func (g *Grid) Conn() grpc.ClientConnInterface { return g.conn }

// Output writes the result of one task, checked by hash, to the writer that open gives; open
// is called once, with the result's size in bytes, when there is something to write. It is
// an error of kind ErrNotFound if the task has no result so far, and otherwise those of
// Task and of Result.Copy.
func (g *Grid) Output(ctx context.Context, job string, task uint32, open func(size int64) io.Writer) error {
	report, err := g.Task(ctx, job, task)
	if err != nil {
		return err
	}
	if report.GetOutput() == nil {
		return problem.NotFound("", "task %d of job %s has no result", task, job)
	}
	id, err := blob.IDFrom(report.GetOutput().GetId())
	if err != nil {
		return fmt.Errorf("result of task %d: %w", task, err)
	}
	r := &Result{Task: int(task), Size: report.GetOutput().GetSize(), id: id, grid: g}
	w := &lazyWriter{open: func() io.Writer { return open(r.Size) }}
	if err := r.Copy(ctx, w); err != nil {
		return err
	}
	_, err = w.Write(nil)
	return err
}

// lazyWriter opens a writer when it is first written to.
type lazyWriter struct {
	open func() io.Writer
	w    io.Writer
}

func (l *lazyWriter) Write(p []byte) (int, error) {
	if l.w == nil {
		l.w = l.open()
	}
	if len(p) == 0 {
		return 0, nil
	}
	return l.w.Write(p)
}
