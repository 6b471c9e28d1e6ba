package sdk

import (
	"context"
	"errors"
	"iter"
	"math"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TaskFailure is how a task failed.
type TaskFailure struct {
	// Task is the task's index in the job, from 0.
	Task int
	// GivenUp: no attempt came to a result, nor did enough of them fail in the same way.
	// Otherwise ExitCode is that of the program.
	GivenUp  bool
	ExitCode uint32
	// Reason is why, for people: what happened in the first line, and the end of stderr
	// in those after it. The grid keeps it of a job's first hundred failed tasks.
	Reason string
}

// Failures waits until a job is finished and then gives its failed tasks, in the order of
// their indexes. An error is the last thing that comes, of the kinds of Results.
func (g *Grid) Failures(ctx context.Context, id string) iter.Seq2[*TaskFailure, error] {
	return func(yield func(*TaskFailure, error) bool) {
		req := &anthillv1.StreamResultsRequest{JobId: id, FromSequence: math.MaxUint64, Failures: true}
		err := g.outcomes(ctx, "get failed tasks", req, func(m *anthillv1.StreamResultsResponse) error {
			f := m.GetFailure()
			if f != nil && !yield(&TaskFailure{Task: int(m.GetTask()), GivenUp: f.GetGivenUp(), ExitCode: f.GetExitCode(), Reason: f.GetReason()}, nil) {
				return errStopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

// lacking waits until a job of so many tasks is finished, and gives the indexes of the
// tasks that have no result, in order.
func (g *Grid) lacking(ctx context.Context, id string, tasks int) ([]int, error) {
	has := make([]bool, tasks)
	req := &anthillv1.StreamResultsRequest{JobId: id, WithoutData: true}
	err := g.outcomes(ctx, "get results", req, func(m *anthillv1.StreamResultsResponse) error {
		if m.GetFailure() == nil && int(m.GetTask()) < tasks {
			has[m.GetTask()] = true
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	var list []int
	for i, there := range has {
		if !there {
			list = append(list, i)
		}
	}
	return list, nil
}

// outcomes reads a stream of results to its end. Where a coordinator is lost it goes on
// with another, and gives nothing twice.
func (g *Grid) outcomes(ctx context.Context, what string, req *anthillv1.StreamResultsRequest, each func(*anthillv1.StreamResultsResponse) error) error {
	failure := uint32(0) // failed tasks before this one have been given
	return g.persist(ctx, what, func(ctx context.Context, alive func()) error {
		ctx, cancel := context.WithCancel(ctx)
		defer cancel()
		stream, err := g.jobs.StreamResults(ctx, req)
		if err != nil {
			return err
		}
		for {
			m, err := stream.Recv()
			if isEnd(err) {
				return nil
			}
			if err != nil {
				return err
			}
			alive()
			switch {
			case m.GetFailure() != nil && m.GetTask() < failure, m.GetFailure() == nil && m.GetSequence() < req.GetFromSequence():
				continue
			case m.GetFailure() != nil:
				failure = m.GetTask() + 1
			default:
				req.FromSequence = m.GetSequence() + 1
			}
			if err := each(m); err != nil {
				return err
			}
		}
	})
}
