package sdk

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Result is the accepted result of one task: final if it comes from Results,
// provisional if it comes from ProvisionalResults.
type Result struct {
	// Task is the task's index, from 0.
	Task int
	// Sequence is its position in the order of acceptance, from 0.
	Sequence uint64
	// Size is its length in bytes.
	Size int64
	// Fuel is the work that it took.
	Fuel Fuel

	id     blob.ID
	inline bool
	data   []byte
	grant  []byte // of a large one
	grid   *Grid
}

// Digest is the id of the result as a blob, in hex.
func (r *Result) Digest() string { return r.id.String() }

// Matches tells whether data, which has size bytes, is this result. Its error is
// that of reading data.
func (r *Result) Matches(data io.Reader, size int64) (bool, error) {
	if size != r.Size {
		return false, nil
	}
	manifest, err := blob.Build(data, size)
	if err != nil {
		return false, fmt.Errorf("check result of task %d: %w", r.Task, err)
	}
	return manifest.ID() == r.id, nil
}

// Bytes is the result itself. A large one, which did not come with the stream, is
// fetched from the coordinators, and every byte is checked by hash. It is an
// error of kind ErrUnavailable if nobody sends it for Config.Patience.
func (r *Result) Bytes(ctx context.Context) ([]byte, error) {
	if r.inline {
		return r.data, nil
	}
	var data bytes.Buffer
	if err := r.Copy(ctx, &data); err != nil {
		return nil, err
	}
	return data.Bytes(), nil
}

// Copy writes the result to w without holding all of it in memory. Its errors are
// those of Bytes, and of w.
func (r *Result) Copy(ctx context.Context, w io.Writer) error {
	if r.inline {
		_, err := w.Write(r.data)
		return err
	}
	large, err := r.grid.openResultStore()
	if err != nil {
		return err
	}
	return r.grid.persist(ctx, fmt.Sprintf("fetch result of task %d", r.Task), func(ctx context.Context, alive func()) error {
		alive() // it is peers that are asked
		large.swarm.Grant(r.id, r.grant)
		return large.fetch(ctx, r.id, w)
	})
}

// Results waits until a job is finished and then gives its results, one for each
// task, in the order in which they were accepted. It ends in the same way
// whether the job succeeded or failed, with the results that there are: Job or
// Watch tell which, and ShortOfBound whether there is more doubt left than
// max_error allows. None comes twice, even when a coordinator is lost. An error
// is the last thing that comes: of kind ErrNotFound if there is no such job, of
// kind ErrRefused if it is somebody else's.
func (g *Grid) Results(ctx context.Context, id string) iter.Seq2[*Result, error] {
	return g.results(ctx, id, false)
}

// resultsTold is how long no coordinator has to say anything of results until people are
// told: of a finished job it may look for one elsewhere first.
const resultsTold = 12 * time.Second

// ProvisionalResults is like Results, but gives results as they are accepted,
// long before the job is finished. Until then they may prove wrong: a later
// result replaces an earlier one of the same task. That a result was taken back
// shows only when the task has another.
func (g *Grid) ProvisionalResults(ctx context.Context, id string) iter.Seq2[*Result, error] {
	return g.results(ctx, id, true)
}

func (g *Grid) results(ctx context.Context, id string, provisional bool) iter.Seq2[*Result, error] {
	return func(yield func(*Result, error) bool) {
		s := resultStream{grid: g, id: id, provisional: provisional, yield: yield}
		err := g.persistUntold(ctx, resultsTold, "get results", s.run)
		if err != nil && !errors.Is(err, errStopped) {
			yield(nil, err)
		}
	}
}

type resultStream struct {
	grid        *Grid
	id          string
	provisional bool
	yield       func(*Result, error) bool
	next        uint64 // results before this one have been given
}

// run reads one stream to its end.
func (s *resultStream) run(ctx context.Context, alive func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := s.grid.jobs.StreamResults(ctx, &anthillv1.StreamResultsRequest{
		JobId: s.id, FromSequence: s.next, Provisional: s.provisional,
	})
	if err != nil {
		return err
	}
	// While the job runs the header comes at once, and the first result perhaps
	// hours later.
	if header, err := stream.Header(); err == nil && header != nil {
		alive()
	}
	for {
		msg, err := stream.Recv()
		if isEnd(err) {
			return nil
		}
		if err != nil {
			return err
		}
		alive()
		if msg.GetSequence() < s.next {
			continue
		}
		result, err := s.grid.result(msg)
		if err != nil {
			return err
		}
		s.next = result.Sequence + 1
		if !s.yield(result, nil) {
			return errStopped
		}
	}
}

// result checks what a coordinator sent.
func (g *Grid) result(msg *anthillv1.StreamResultsResponse) (*Result, error) {
	id, err := blob.IDFrom(msg.GetOutput().GetId())
	if err != nil {
		return nil, fmt.Errorf("result of task %d: %w", msg.GetTask(), err)
	}
	r := &Result{
		Task: int(msg.GetTask()), Sequence: msg.GetSequence(), Size: msg.GetOutput().GetSize(), Fuel: Fuel(msg.GetFuel()),
		id: id, data: msg.GetData(), grant: msg.GetGrant(), grid: g,
	}
	r.inline = int64(len(r.data)) == r.Size
	if r.inline && blob.Of(r.data).ID() != id {
		return nil, fmt.Errorf("result of task %d: the bytes do not match their hash", r.Task)
	}
	return r, nil
}
