// Package chronicle remembers what a coordinator has seen of late, for people to look at:
// which worker had which task when, and how much owners were believed. The state itself
// keeps neither; here it costs no log entry, and what a coordinator did not live to see,
// it does not know. Nothing is decided by it.
package chronicle

import (
	"sync"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// spansKept bounds the attempts that are remembered of a job: when there are more, the
	// older half goes.
	spansKept = 16 << 10
	// spansAll bounds those of all jobs: the job that was worked on the longest ago goes first.
	spansAll = 256 << 10
	// pairsKept bounds the pairs of nodes of a job of which it is remembered what went from one
	// to the other, and pairsAll those of all jobs.
	pairsKept = 16 << 10
	pairsAll  = 64 << 10
	// jobsKept bounds the jobs of which any are.
	jobsKept = 1024
)

// Span is an attempt and when it was.
type Span struct {
	Lease  jobs.LeaseID
	Task   jobs.Index
	Worker uint32 // position in Job.Workers
	Begun  jobs.Time
	Ended  jobs.Time // zero while it goes on
	Ending jobs.AttemptStatus
}

// Chronicle is what is remembered.
type Chronicle struct {
	mu     sync.Mutex
	jobs   map[jobs.JobID]*story
	leases map[jobs.LeaseID]*story // of what goes on
	spans  int
	pairs  int
	turn   uint64
	trust  trust
}

// story is what is remembered of a job.
type story struct {
	workers []jobs.NodeID
	fetched []jobs.Traffic // by each of them
	known   map[jobs.NodeID]uint32
	flows   map[Pair]int64
	parts   map[jobs.NodeID][]byte
	running map[jobs.LeaseID]Span
	ended   []Span // in the order in which they ended
	gone    int    // how many before those have been forgotten
	turn    uint64 // when it was last added to
}

// New begins with an empty one.
func New() *Chronicle {
	return &Chronicle{jobs: map[jobs.JobID]*story{}, leases: map[jobs.LeaseID]*story{}, trust: trust{owners: map[jobs.OwnerID][]Point{}}}
}

// Observe sees a command that has just been applied, with what came of it and the state
// after it. It must not keep the state.
func (c *Chronicle) Observe(cmd *jobs.Command, out jobs.Outcome, st *jobs.State) {
	switch {
	case cmd.Grant != nil:
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, lease := range out.Granted {
			c.begin(lease, st)
		}
	case cmd.Report != nil:
		c.mu.Lock()
		defer c.mu.Unlock()
		for i := range cmd.Report.Reports {
			c.end(&cmd.Report.Reports[i], st)
		}
	}
}

func (c *Chronicle) begin(lease jobs.LeaseID, st *jobs.State) {
	at, worker, ok := st.Lease(lease)
	if !ok {
		return
	}
	s := c.jobs[at.Job]
	if s == nil {
		s = &story{known: map[jobs.NodeID]uint32{}, flows: map[Pair]int64{}, parts: map[jobs.NodeID][]byte{}, running: map[jobs.LeaseID]Span{}}
		c.jobs[at.Job] = s
	}
	s.running[lease] = Span{Lease: lease, Task: st.Jobs[at.Job].TaskAt(at.Place), Worker: s.worker(worker), Begun: st.Now}
	c.leases[lease] = s
	c.spans++
	c.turn++
	s.turn = c.turn
	c.makeRoom(s)
}

// worker is the position of a worker in the job's list.
func (s *story) worker(id jobs.NodeID) uint32 {
	n, known := s.known[id]
	if !known {
		n = uint32(len(s.workers))
		s.workers, s.fetched, s.known[id] = append(s.workers, id), append(s.fetched, jobs.Traffic{}), n
	}
	return n
}

func (c *Chronicle) end(r *jobs.Report, st *jobs.State) {
	s := c.leases[r.Lease]
	if s == nil {
		return
	}
	if span := s.running[r.Lease]; s.workers[span.Worker] == r.Worker {
		s.fetched[span.Worker].Add(r.Fetched)
		c.close(s, span, st.Now, r.Status)
	}
}

func (c *Chronicle) close(s *story, span Span, at jobs.Time, ending jobs.AttemptStatus) {
	delete(s.running, span.Lease)
	delete(c.leases, span.Lease)
	span.Ended, span.Ending = max(at, span.Begun+1), ending
	s.ended = append(s.ended, span)
	if len(s.ended) > spansKept {
		c.drop(s, len(s.ended)/2)
	}
}

func (c *Chronicle) drop(s *story, n int) {
	s.ended = append([]Span(nil), s.ended[n:]...)
	s.gone += n
	c.spans -= n
}

// makeRoom forgets the jobs that were worked on the longest ago.
func (c *Chronicle) makeRoom(not *story) {
	for c.spans > spansAll || c.pairs > pairsAll || len(c.jobs) > jobsKept {
		var oldest jobs.JobID
		for id, s := range c.jobs {
			if s != not && (oldest == "" || s.turn < c.jobs[oldest].turn) {
				oldest = id
			}
		}
		if oldest == "" {
			return
		}
		c.spans -= len(c.jobs[oldest].ended) + len(c.jobs[oldest].running)
		c.pairs -= len(c.jobs[oldest].flows)
		for lease := range c.jobs[oldest].running {
			delete(c.leases, lease)
		}
		delete(c.jobs, oldest)
	}
}
