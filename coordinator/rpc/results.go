package rpc

import (
	"context"
	"math"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// resultWait is for how long the stream of a finished job waits for a
	// result that this coordinator lacks.
	resultWait = 10 * time.Second
	// resultBatch bounds how many results one look at the state collects.
	resultBatch = 256
)

// resultRef is one accepted result.
type resultRef struct {
	sequence jobs.Sequence
	task     jobs.Index
	output   blob.Ref
	fuel     uint64
}

// batch is what one look at a job's results has found.
type batch struct {
	refs     []resultRef
	next     jobs.Sequence // after those looked at
	finished bool          // the job is
	last     bool          // and nothing comes after this
	gone     bool          // its results are: the job was cancelled, or is forgotten
}

// StreamResults implements JobService. A result is sent once its bytes are on
// this coordinator's disk.
func (s *Server) StreamResults(req *anthillv1.StreamResultsRequest, stream grpc.ServerStreamingServer[anthillv1.StreamResultsResponse]) error {
	ctx := stream.Context()
	if err := s.fresh(ctx); err != nil {
		return err
	}
	id := jobs.JobID(req.GetJobId())
	if err := s.mayControl(ctx, id); err != nil {
		return err
	}
	if !s.finished(id) {
		// It may be long before there is anything to send: the header tells that
		// the stream stands.
		if err := stream.SendHeader(metadata.MD{}); err != nil {
			return err
		}
	}
	defer s.reads.begin(id)()
	if !req.GetProvisional() {
		if err := s.waitFinished(ctx, id); err != nil {
			return err
		}
	}
	r := resultStream{
		server: s, job: id, stream: stream, bare: req.GetWithoutData(),
		next: jobs.Sequence(min(req.GetFromSequence(), math.MaxUint32)), moved: time.Now(),
	}
	if err := r.run(ctx); err != nil || !req.GetFailures() {
		return err
	}
	return s.sendFailures(id, stream)
}

// waitFinished returns when a job is finished.
func (s *Server) waitFinished(ctx context.Context, id jobs.JobID) error {
	for {
		changed := s.cfg.Replica.Changed()
		if s.finished(id) {
			return nil
		}
		if err := pause(ctx, changed, watchInterval, time.Second); err != nil {
			return err
		}
	}
}

func (s *Server) finished(id jobs.JobID) (yes bool) {
	s.cfg.Replica.View(func(st *jobs.State) { yes = st.Jobs[id] == nil || st.Jobs[id].State != jobs.JobRunning })
	return yes
}

// resultStream sends one caller the results of one job.
type resultStream struct {
	server *Server
	job    jobs.JobID
	stream grpc.ServerStreamingServer[anthillv1.StreamResultsResponse]
	next   jobs.Sequence // results before it were sent or are stale
	moved  time.Time     // when something was sent, or the job was running
	bare   bool          // no data is sent
}

func (r *resultStream) run(ctx context.Context) error {
	for {
		changed := r.server.cfg.Replica.Changed()
		b := r.look()
		if b.gone {
			return resultsGone(r.job)
		}
		sent, err := r.send(b.refs)
		if err != nil {
			return err
		}
		all := sent == len(b.refs)
		if r.next = b.next; !all {
			r.next = b.refs[sent].sequence
			r.server.cfg.Results.Demand(r.job)
		}
		switch {
		case all && b.last:
			return nil
		case sent > 0 || !b.finished:
			r.moved = time.Now()
		case time.Since(r.moved) > resultWait:
			return resultMissing(r.job, b.refs[sent].task)
		}
		if all && sent > 0 {
			continue
		}
		if err := pause(ctx, changed, 20*time.Millisecond, 100*time.Millisecond); err != nil {
			return err
		}
	}
}

// look collects results from the next sequence on. It passes over stale ones:
// those that were taken back, or that a later one replaces.
func (r *resultStream) look() (b batch) {
	r.server.cfg.Replica.View(func(st *jobs.State) {
		j := st.Jobs[r.job]
		if j == nil || j.Released && !r.bare {
			b.gone = true
			return
		}
		if j.Released {
			b.last = true // it has none
			return
		}
		end := jobs.Sequence(len(j.Order))
		for b.next = r.next; b.next < end && len(b.refs) < resultBatch; b.next++ {
			if j.Current(b.next) {
				place := j.Order[b.next]
				b.refs = append(b.refs, resultRef{b.next, j.TaskAt(place), j.Closed[place].Output, j.Closed[place].Fuel})
			}
		}
		b.finished = j.State != jobs.JobRunning
		b.last = b.finished && b.next >= end
	})
	return b
}

// data is what is sent of a result, if it is here.
func (r *resultStream) data(output blob.Ref) (data []byte, here bool) {
	if r.bare {
		return nil, true
	}
	return r.server.cfg.Results.Result(output)
}

// send sends results up to the first that is not here yet.
func (r *resultStream) send(refs []resultRef) (sent int, err error) {
	for _, ref := range refs {
		data, here := r.data(ref.output)
		if !here {
			break
		}
		msg := &anthillv1.StreamResultsResponse{Sequence: uint64(ref.sequence), Task: uint32(ref.task), Output: wire.RefToProto(ref.output), Data: data, Fuel: ref.fuel}
		if large := ref.output.Size > blob.MinPiece; large && !r.bare {
			reader := callerFrom(r.stream.Context()).Node
			r.server.cfg.Results.Tell(reader, ref.output.ID)
			msg.Grant = r.server.grant(reader, ref.output.ID)
		}
		if err := r.stream.Send(msg); err != nil {
			return sent, err
		}
		sent++
	}
	return sent, nil
}
