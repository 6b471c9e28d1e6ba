package placement

import (
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/flowrate"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// guessedRate is in bytes a second what a worker's line is taken for until it has
	// sent something for some seconds.
	guessedRate = 4 << 20
	guessHeld   = 5 * time.Second
	// uploadLeast is how long what a worker has in hand may take to leave it, and
	// uploadFactor how many times as long as an attempt takes, if that is more.
	uploadLeast  = 10 * time.Second
	uploadFactor = 3
)

// Lines remembers how fast workers hand out results that have more than a piece: who has
// more of them in hand than its line can carry gets none for a while. It goes by what the
// state says of who holds what, so no worker can lie about it, and it may be forgotten at
// any time.
type Lines struct {
	jobs    map[jobs.JobID]*outputs
	workers map[jobs.NodeID]*upload
}

// outputs are the results of a running job.
type outputs struct {
	seen   jobs.Sequence // before it all were looked at
	count  int
	bytes  int64
	unsent map[jobs.Sequence]owed
}

// owed is a large result that no coordinator has yet, and which workers have.
type owed struct {
	place   jobs.Place
	size    int64
	workers []jobs.NodeID
}

// upload is what a worker's line carries.
type upload struct {
	meter flowrate.Meter
	owed  int64 // bytes of results that no coordinator has
	sent  int64 // since the last look
}

// NewLines knows of nobody.
func NewLines() *Lines {
	return &Lines{jobs: map[jobs.JobID]*outputs{}, workers: map[jobs.NodeID]*upload{}}
}

// Look notes what has been accepted, and what has come to a coordinator, since the last
// look.
func (l *Lines) Look(s *jobs.State, elapsed time.Duration) {
	busy := map[*upload]bool{}
	for _, u := range l.workers {
		busy[u] = u.owed > 0
		u.owed, u.sent = 0, 0
	}
	known := map[jobs.JobID]*outputs{}
	for _, id := range s.Running() {
		o := l.jobs[id]
		if o == nil {
			o = &outputs{unsent: map[jobs.Sequence]owed{}}
		}
		known[id] = o
		l.accepted(s, s.Jobs[id], o)
		l.sent(s.Jobs[id], o)
	}
	l.jobs = known
	for _, u := range l.workers {
		if busy[u] || u.sent > 0 {
			u.meter.Add(u.sent, elapsed)
		}
	}
}

// accepted notes results that are new.
func (l *Lines) accepted(s *jobs.State, j *jobs.Job, o *outputs) {
	for ; int(o.seen) < len(j.Order); o.seen++ {
		if !j.Current(o.seen) {
			continue
		}
		place := j.Order[o.seen]
		size := j.Closed[place].Output.Size
		o.count++
		o.bytes += size
		if size <= blob.MinPiece {
			continue
		}
		workers := j.Unheld[place]
		if len(workers) == 0 {
			workers = s.Supporters(j, place)
		}
		o.unsent[o.seen] = owed{place, size, workers}
	}
}

// sent notes which of them have come to a coordinator, and what workers still have to
// send. Of a result that several have each sends a part.
func (l *Lines) sent(j *jobs.Job, o *outputs) {
	for sequence, r := range o.unsent {
		held := j.Closed[r.place].Holders != 0
		if !j.Current(sequence) || held {
			delete(o.unsent, sequence)
		}
		for _, id := range r.workers {
			part := r.size / int64(len(r.workers))
			switch u := l.of(id); {
			case !j.Current(sequence): // taken back
			case held:
				u.sent += part
			default:
				u.owed += part
			}
		}
	}
}

func (l *Lines) of(worker jobs.NodeID) *upload {
	u := l.workers[worker]
	if u == nil {
		if len(l.workers) >= maxWorkers {
			clear(l.workers)
		}
		u = &upload{meter: flowrate.Guess(guessedRate, guessHeld)}
		l.workers[worker] = u
	}
	return u
}

// mean is the size of a job's results; 0 if none of them needs a line.
func (l *Lines) mean(id jobs.JobID) int64 {
	o := l.jobs[id]
	if o == nil || o.count == 0 || o.bytes <= int64(o.count)*blob.MinPiece {
		return 0
	}
	return o.bytes / int64(o.count)
}

// inHand is how many bytes a worker has to send: results, and those that its leases will
// give.
func (l *Lines) inHand(s *jobs.State, worker jobs.NodeID) int64 {
	n := l.of(worker).owed
	for _, lease := range s.LeasesOf(worker) {
		if p, _, ok := s.Lease(lease); ok {
			n += l.mean(p.Job)
		}
	}
	return n
}

// carries says whether a worker's line can send so many bytes in good time for a job.
func (l *Lines) carries(worker jobs.NodeID, j *jobs.Job, bytes int64) bool {
	u := l.of(worker)
	return flowrate.Time(bytes, u.meter.Rate()) <= max(uploadLeast, uploadFactor*j.Pace)
}
