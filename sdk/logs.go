package sdk

import (
	"context"
	"errors"
	"iter"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// LogOptions say which logs are wanted.
type LogOptions struct {
	// Task, where set, is the index of the only one.
	Task *uint32
	// Follow goes on until the job is finished.
	Follow bool
	// Differing leaves out all but those that say how they differ from others, and of these
	// the text.
	Differing bool
}

// Logs gives what the attempts at a job's tasks wrote to stderr at their ends that failed, or
// are disputed, and how these differ. It is the words of the job's program, from the machines of strangers. None
// comes twice, even when a coordinator is lost. Errors are those of Task.
func (g *Grid) Logs(ctx context.Context, id string, opts LogOptions) iter.Seq2[*anthillv1.StreamLogsResponse, error] {
	return func(yield func(*anthillv1.StreamLogsResponse, error) bool) {
		seen := map[uint64]bool{}
		err := g.persistUntold(ctx, resultsTold, "get logs", func(ctx context.Context, alive func()) error {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			stream, err := g.jobs.StreamLogs(ctx, &anthillv1.StreamLogsRequest{JobId: id, Task: opts.Task, Follow: opts.Follow, Differing: opts.Differing})
			if err != nil {
				return err
			}
			for {
				log, err := stream.Recv()
				if isEnd(err) {
					return nil
				}
				if err != nil {
					return err
				}
				alive()
				if seen[log.GetLease()] {
					continue
				}
				seen[log.GetLease()] = true
				if !yield(log, nil) {
					return errStopped
				}
			}
		})
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}
