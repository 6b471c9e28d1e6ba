package rpc

import (
	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// failureBatch bounds the failed tasks that one look at the state collects, and
	// failureScan the tasks that it looks at for them.
	failureBatch = 256
	failureScan  = 1 << 16
)

// sendFailures sends the failed tasks of a finished job, in the order of their indexes.
func (s *Server) sendFailures(id jobs.JobID, stream grpc.ServerStreamingServer[anthillv1.StreamResultsResponse]) error {
	for next, more := jobs.Index(0), true; more; {
		var list []jobs.Failure
		s.cfg.Replica.View(func(st *jobs.State) { list, next, more = failuresFrom(st.Jobs[id], next) })
		for _, f := range list {
			if err := stream.Send(&anthillv1.StreamResultsResponse{Task: uint32(f.Task), Failure: wire.FailureToProto(f)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// failuresFrom collects failed tasks from an index on, and says where it stopped and
// whether there may be more.
func failuresFrom(j *jobs.Job, next jobs.Index) (list []jobs.Failure, end jobs.Index, more bool) {
	if j == nil || j.Failed == 0 {
		return nil, next, false
	}
	total := jobs.Index(j.Total())
	for end = next; end < min(total, next+failureScan) && len(list) < failureBatch; end++ {
		if f, failed := j.Failure(j.PlaceOf(end)); failed {
			list = append(list, f)
		}
	}
	return list, end, end < total
}
