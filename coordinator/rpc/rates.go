package rpc

import (
	"context"
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// pace is how many calls of a method a node may make: so many a second, after so many at
// once.
type pace struct {
	each  rate.Limit
	burst int
}

// paces are those of calls that cost: an entry in the log, a plan, or a look at the state
// again and again. They are far above what honest nodes need.
var paces = map[string]pace{
	anthillv1.JobService_SubmitJob_FullMethodName:         {10, 100},
	anthillv1.JobService_WatchJob_FullMethodName:          {5, 50},
	anthillv1.JobService_StreamResults_FullMethodName:     {5, 50},
	anthillv1.JobService_ListJobs_FullMethodName:          {5, 50},
	anthillv1.BlobService_KeepBlob_FullMethodName:         {20, 200},
	anthillv1.EnrolmentService_CreateToken_FullMethodName: {10, 100},
	anthillv1.TrackerService_Announce_FullMethodName:      {50, 500},
	anthillv1.TrackerService_ReportPeers_FullMethodName:   {2, 20},
	anthillv1.SessionService_LookBack_FullMethodName:      {0.5, 15},
	anthillv1.WorkService_Offer_FullMethodName:            {100, 200},
	anthillv1.WorkService_Report_FullMethodName:           {100, 200},
}

const (
	// paceWait is how long a call that comes too early waits. Who is earlier is refused.
	paceWait = 2 * time.Second
	// paceMemory is for how long a node that makes no calls is remembered: by then it may
	// make as many at once as one that was never here.
	paceMemory = 30 * time.Second
	// maxWatches bounds the jobs that a node follows at a coordinator at a time.
	maxWatches = 64
)

// rates hold nodes to the paces of calls. The zero value knows of none.
type rates struct {
	mu      sync.Mutex
	nodes   map[jobs.NodeID]map[string]*paced
	swept   time.Time
	watches map[jobs.NodeID]int
}

type paced struct {
	limiter *rate.Limiter
	last    time.Time
}

// wait has a call of a node wait until its time has come. It is false where that is too
// long.
func (r *rates) wait(ctx context.Context, node jobs.NodeID, method string) (bool, error) {
	p, limited := paces[method]
	if !limited {
		return true, nil
	}
	turn := r.of(node, method, p).Reserve()
	delay := turn.Delay()
	if delay > paceWait {
		turn.Cancel()
		return false, nil
	}
	if delay == 0 {
		return true, nil
	}
	timer := time.NewTimer(delay)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true, nil
	case <-ctx.Done():
		turn.Cancel()
		return true, ctx.Err()
	}
}

func (r *rates) of(node jobs.NodeID, method string, p pace) *rate.Limiter {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	r.sweep(now)
	if r.nodes[node] == nil {
		r.nodes[node] = map[string]*paced{}
	}
	x := r.nodes[node][method]
	if x == nil {
		x = &paced{limiter: rate.NewLimiter(p.each, p.burst)}
		r.nodes[node][method] = x
	}
	x.last = now
	return x.limiter
}

// sweep forgets who has made no calls lately.
func (r *rates) sweep(now time.Time) {
	if r.nodes == nil {
		r.nodes, r.swept = map[jobs.NodeID]map[string]*paced{}, now
	}
	if now.Sub(r.swept) < paceMemory {
		return
	}
	r.swept = now
	forget(r.nodes, func(x *paced) bool { return now.Sub(x.last) >= paceMemory })
}

// forget lets go of what is old of each node.
func forget[V any](nodes map[jobs.NodeID]map[string]V, old func(V) bool) {
	for node, list := range nodes {
		maps.DeleteFunc(list, func(_ string, v V) bool { return old(v) })
		if len(list) == 0 {
			delete(nodes, node)
		}
	}
}

// watch counts what a node follows, until done is called; false: it follows too much.
func (r *rates) watch(node jobs.NodeID) (done func(), ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.watches == nil {
		r.watches = map[jobs.NodeID]int{}
	}
	if r.watches[node] >= maxWatches {
		return nil, false
	}
	r.watches[node]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.watches[node]--; r.watches[node] == 0 {
			delete(r.watches, node)
		}
	}, true
}

// inTime holds a caller to the pace of a call. Coordinators have none.
func (s *Server) inTime(ctx context.Context, method string) error {
	c := callerFrom(ctx)
	if c.Role == jobs.Coordinator {
		return nil
	}
	ok, err := s.rates.wait(ctx, c.Node, method)
	if !ok {
		return tooFast(c.Node, method)
	}
	return err
}
