package sdk

import (
	"context"
	"errors"
	"iter"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Update is one thing that Watch gives.
type Update struct {
	// Job is the job as it is now.
	Job *anthillv1.Job
	// Events are what happened since the last update, oldest first.
	Events []*anthillv1.Event
}

// errStopped ends a stream that the caller has left.
var errStopped = errors.New("stopped")

// Watch describes a job now and whenever it changes, until it is finished; the
// last update is the one in which it is. A lost coordinator is replaced by
// another, and no event comes twice. An error is the last thing that comes, of
// kind ErrNotFound if there is no such job.
func (g *Grid) Watch(ctx context.Context, id string) iter.Seq2[*Update, error] {
	return func(yield func(*Update, error) bool) {
		w := watcher{grid: g, id: id, yield: yield}
		err := g.persist(ctx, "watch job", w.run)
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

type watcher struct {
	grid  *Grid
	id    string
	yield func(*Update, error) bool
	next  uint64 // events before this one have been given
}

// run reads one stream to its end.
func (w *watcher) run(ctx context.Context, alive func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := w.grid.jobs.WatchJob(ctx, &anthillv1.WatchJobRequest{JobId: w.id})
	if err != nil {
		return err
	}
	for {
		msg, err := stream.Recv()
		if isEnd(err) {
			return status.Error(codes.Unavailable, "the coordinator ended the stream before the job did")
		}
		if err != nil {
			return err
		}
		alive()
		if !w.yield(&Update{Job: msg.GetJob(), Events: w.fresh(msg.GetEvents())}, nil) {
			return errStopped
		}
		if Finished(msg.GetJob()) {
			return nil
		}
	}
}

// fresh leaves out events that came in an earlier stream.
func (w *watcher) fresh(events []*anthillv1.Event) []*anthillv1.Event {
	var fresh []*anthillv1.Event
	for _, event := range events {
		if event.GetSequence() >= w.next {
			fresh = append(fresh, event)
			w.next = event.GetSequence() + 1
		}
	}
	return fresh
}

// ShortOfBound tells whether a job has all its results, and yet more doubt is
// left about them than its max_error allows, since nobody was left to ask. Such
// a job has succeeded; its field short says what would help.
func ShortOfBound(job *anthillv1.Job) bool {
	return job.GetState() == anthillv1.JobState_JOB_STATE_SUCCEEDED && job.GetShort() != ""
}

// Finished tells whether a job has come to its end, good or bad.
func Finished(job *anthillv1.Job) bool {
	switch job.GetState() {
	case anthillv1.JobState_JOB_STATE_SUCCEEDED, anthillv1.JobState_JOB_STATE_FAILED, anthillv1.JobState_JOB_STATE_CANCELLED:
		return true
	}
	return false
}
