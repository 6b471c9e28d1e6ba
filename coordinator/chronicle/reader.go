package chronicle

import (
	"cmp"
	"slices"

	"github.com/anthill-grid/anthill/jobs"
)

// Reader reads the story of a job as it goes on.
type Reader struct {
	from    *Chronicle
	job     jobs.JobID
	story   *story
	next    int            // of the ended ones, counted from the first that ever was
	workers int            // that were told
	fetched []jobs.Traffic // as it was told
	told    map[jobs.LeaseID]bool
}

// News are what there is to tell since the last time.
type News struct {
	Workers []jobs.NodeID // in order, after those told before
	Spans   []Span
	Fetched []Fetched // of the workers that have fetched something since
}

// Fetched is what a worker has fetched for a job.
type Fetched struct {
	Worker uint32
	Bytes  jobs.Traffic
}

// Read begins at the latest spansKept attempts of a job.
func (c *Chronicle) Read(job jobs.JobID) *Reader {
	return &Reader{from: c, job: job, told: map[jobs.LeaseID]bool{}}
}

// News reads on, with the state as it is now: attempts that have no lease any more have ended
// without a word. At most limit ended ones are told, of the first time the latest.
func (r *Reader) News(st *jobs.State, limit int) News {
	r.from.mu.Lock()
	defer r.from.mu.Unlock()
	s := r.from.jobs[r.job]
	if s == nil {
		return News{}
	}
	if s != r.story {
		r.begin(s, limit)
	}
	r.from.endSilent(s, st)
	var n News
	n.Workers, r.workers = slices.Clone(s.workers[r.workers:]), len(s.workers)
	n.Fetched = r.flows(s)
	r.next = max(r.next, s.gone)
	end := min(s.gone+len(s.ended), r.next+limit)
	for _, span := range s.ended[r.next-s.gone : end-s.gone] {
		delete(r.told, span.Lease)
		n.Spans = append(n.Spans, span)
	}
	r.next = end
	ended := len(n.Spans)
	for lease, span := range s.running {
		if !r.told[lease] {
			r.told[lease] = true
			n.Spans = append(n.Spans, span)
		}
	}
	slices.SortFunc(n.Spans[ended:], func(a, b Span) int { return cmp.Or(cmp.Compare(a.Begun, b.Begun), cmp.Compare(a.Lease, b.Lease)) })
	return n
}

func (r *Reader) begin(s *story, limit int) {
	r.story, r.workers, r.fetched, r.told = s, 0, nil, map[jobs.LeaseID]bool{}
	r.next = s.gone + max(0, len(s.ended)-limit)
}

// flows are what has changed of what workers have fetched.
func (r *Reader) flows(s *story) (list []Fetched) {
	for i, t := range s.fetched {
		if i == len(r.fetched) {
			r.fetched = append(r.fetched, jobs.Traffic{})
		}
		if t != r.fetched[i] {
			r.fetched[i] = t
			list = append(list, Fetched{uint32(i), t})
		}
	}
	return list
}

// endSilent ends those whose leases are void.
func (c *Chronicle) endSilent(s *story, st *jobs.State) {
	for lease, span := range s.running {
		_, _, held := st.Lease(lease)
		_, _, silent := st.Silent(lease)
		if !held && !silent {
			c.close(s, span, st.Now, 0)
		}
	}
}
