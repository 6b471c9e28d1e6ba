package rpc

import (
	"context"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// readGrace is for how long a job's results count as being read after they were:
	// clients fetch large ones apart, and go on after a break.
	readGrace = 10 * time.Minute
	// maxSeen bounds the nodes that one description names.
	maxSeen = jobs.MaxForget
)

// readers are the jobs whose results are read here. The zero value knows of none.
type reads struct {
	mu   sync.Mutex
	open map[jobs.JobID]int
	last map[jobs.JobID]time.Time
}

// begin notes a read, until the end of which done is to be called.
func (r *reads) begin(id jobs.JobID) (done func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.open == nil {
		r.open, r.last = map[jobs.JobID]int{}, map[jobs.JobID]time.Time{}
	}
	r.open[id]++
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.open[id]--; r.open[id] == 0 {
			delete(r.open, id)
		}
		r.last[id] = time.Now()
	}
}

// list are the jobs that are being read, or were a moment ago.
func (r *reads) list() (list []jobs.JobID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for id := range r.open {
		list = append(list, id)
	}
	for id, at := range r.last {
		switch {
		case time.Since(at) >= readGrace:
			delete(r.last, id)
		case r.open[id] == 0:
			list = append(list, id)
		}
	}
	return list
}

// Reading are the jobs whose results somebody reads here, or has a moment ago.
func (s *Server) Reading() []jobs.JobID { return s.reads.list() }

// seen are the nodes that made calls here. The zero value has seen nobody.
type seen struct {
	mu    sync.Mutex
	nodes map[jobs.NodeID]bool
}

func (x *seen) note(node jobs.NodeID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.nodes == nil {
		x.nodes = map[jobs.NodeID]bool{}
	}
	if len(x.nodes) < 10*maxSeen {
		x.nodes[node] = true
	}
}

// Seen are nodes that are there and of which the state has not noted that lately: those
// that have called, and those with a session. What it has noted meanwhile is forgotten.
func (s *Server) Seen() (list []jobs.NodeID) {
	for _, x := range s.sessions.all() {
		s.seen.note(x.node)
	}
	s.seen.mu.Lock()
	defer s.seen.mu.Unlock()
	s.cfg.Replica.View(func(st *jobs.State) {
		for node := range s.seen.nodes {
			switch {
			case !st.Unseen(node):
				delete(s.seen.nodes, node)
			case len(list) < maxSeen:
				list = append(list, node)
			}
		}
	})
	return list
}

// DeleteJob implements JobService. That a job is gone already is no error where the
// request is repeated.
func (s *Server) DeleteJob(ctx context.Context, req *anthillv1.DeleteJobRequest) (*anthillv1.DeleteJobResponse, error) {
	id, by := jobs.JobID(req.GetJobId()), callerFrom(ctx).Node
	c := jobs.Command{Forget: &jobs.Forget{By: by, Jobs: []jobs.JobID{id}}}
	var r *jobs.Rejection
	s.cfg.Replica.View(func(st *jobs.State) {
		if !st.Asked(requestID(by, req.GetRequestId())) {
			r = st.MayForget(by, id)
		}
	})
	if r != nil {
		return nil, r
	}
	_, err := s.propose(ctx, req.GetRequestId(), c)
	return &anthillv1.DeleteJobResponse{}, err
}
