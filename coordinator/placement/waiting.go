package placement

import (
	"fmt"
	"slices"

	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
)

// stalledAfter is how long nothing has to move, with no reason to be seen, until that is
// said: leases are given out within a moment.
const stalledAfter jobs.Time = 5000

// Standing is all that the reason why a job stands still depends on.
type Standing struct {
	State *jobs.State
	Job   *jobs.Job
	// Live are the workers heard of lately, and Paused says which of them take nothing.
	Live   []jobs.NodeID
	Paused func(jobs.NodeID) bool
	// Outdated: none of them can count fuel by the job's rules.
	Outdated bool
	// Terms are on what the workers are lent, and Declines says that a donor has ruled
	// the job out; nil: all lend all for everything.
	Terms    func(jobs.NodeID) Terms
	Declines func(jobs.NodeID) bool
	// Now is the time by which attempts are late.
	Now jobs.Time
}

// Waiting says why a job stands still, as far as its workers are concerned.
func Waiting(q Standing) waits.Wait {
	if q.Job.State != jobs.JobRunning {
		return waits.Wait{}
	}
	w := q.reason()
	if w.Reason != waits.None {
		w.Since = q.moved().Std()
	}
	return w
}

func (q Standing) reason() waits.Wait {
	j := q.Job
	moves, late, paused := q.attempts()
	switch {
	case moves:
		return waits.Wait{}
	case late > 0:
		return waits.Wait{Reason: waits.Late, Count: late}
	case paused:
		return waits.Wait{Reason: waits.Paused, Count: q.holders()}
	case j.Settled() == j.Total() && len(j.Unheld) > 0:
		return waits.Wait{Reason: waits.Results}
	}
	if !q.State.HasRoom(j) {
		has, may := q.State.Account(j.Owner)[jobs.ItemResults], q.State.Term(j.Owner, jobs.ItemResults)
		return waits.Wait{Reason: waits.Account, Detail: fmt.Sprintf("%s has %d of %d bytes", j.Owner, has, may)}
	}
	workers := q.workers()
	if w := q.ofTerms(workers); w.Reason != waits.None {
		return w
	}
	if len(workers) == 0 {
		if n := q.enrolled(); n > 0 {
			return waits.Wait{Reason: waits.Banned, Count: n}
		}
		return waits.Wait{Reason: waits.NoWorker}
	}
	return q.ofWorkers(workers)
}

// ofWorkers is why none of the live workers does anything for the job.
func (q Standing) ofWorkers(workers []jobs.NodeID) waits.Wait {
	j, n := q.Job, len(workers)
	awake := slices.DeleteFunc(slices.Clone(workers), q.paused)
	switch {
	case q.Outdated:
		return waits.Wait{Reason: waits.Outdated, Count: n}
	case q.State.AllAsked(j, q.Live):
		return waits.Wait{Reason: waits.OwnersAsked, Count: n, Detail: fmt.Sprintf(
			"which leaves an expected share of wrong results of %v where %v was asked for", q.State.Bound(j), j.Spec.Trust.MaxError)}
	case q.owners(workers) < int(j.Spec.Trust.Quorum):
		return waits.Wait{Reason: waits.Quorum, Count: q.owners(workers), Detail: fmt.Sprintf("%d equal results", j.Spec.Trust.Quorum)}
	case disputed(j) && int(j.Next) == j.Total():
		return waits.Wait{Reason: waits.Disputed, Count: n}
	case len(awake) == 0:
		return waits.Wait{Reason: waits.Paused, Count: n}
	case !slices.ContainsFunc(awake, func(id jobs.NodeID) bool { return q.State.Holding(id) == 0 }):
		return waits.Wait{Reason: waits.Busy, Count: len(awake)}
	case q.Now-q.moved() >= stalledAfter:
		return waits.Wait{Reason: waits.Stalled}
	}
	return waits.Wait{}
}

// owners is whose the workers are: each owner has one voice.
func (q Standing) owners(workers []jobs.NodeID) int {
	seen := map[jobs.OwnerID]bool{}
	for _, id := range workers {
		seen[q.State.OwnerOf(id)] = true
	}
	return len(seen)
}

// ofTerms is why no donor's terms let any of the workers run the job; nothing if some do.
func (q Standing) ofTerms(workers []jobs.NodeID) waits.Wait {
	wanted := slices.DeleteFunc(slices.Clone(workers), func(id jobs.NodeID) bool {
		return !q.terms(id).Wants(q.Job.Owner) || q.Declines != nil && q.Declines(id)
	})
	need := footprint(q.Job)
	switch {
	case len(workers) == 0:
		return waits.Wait{}
	case len(wanted) == 0:
		return waits.Wait{Reason: waits.Unwanted, Count: len(workers)}
	case !slices.ContainsFunc(wanted, func(id jobs.NodeID) bool { return q.terms(id).Holds(need) }):
		return waits.Wait{Reason: waits.Memory, Count: len(wanted), Bytes: need}
	}
	return waits.Wait{}
}

func (q Standing) terms(id jobs.NodeID) Terms {
	if q.Terms == nil {
		return Terms{}
	}
	return q.Terms(id)
}

// attempts says whether any goes on as usual. Of the tasks that have none it counts those
// whose attempts take much longer, where all tasks are begun, and says whether there are
// others, whose workers are paused.
func (q Standing) attempts() (moves bool, late int, paused bool) {
	patience := q.Job.Patience()
	for _, t := range q.Job.Open {
		stays := false
		for i := range t.Attempts {
			switch a := &t.Attempts[i]; {
			case a.State != jobs.AttemptRunning:
			case a.Paused || q.paused(a.Worker):
				paused = true
			case q.Now-a.Started <= patience || int(q.Job.Next) < q.Job.Total():
				moves = true
			default:
				stays = true
			}
		}
		if stays {
			late++
		}
	}
	return moves, late, paused
}

// holders is how many workers run something of the job.
func (q Standing) holders() int {
	seen := map[jobs.NodeID]bool{}
	for _, t := range q.Job.Open {
		for _, a := range t.Attempts {
			if a.State == jobs.AttemptRunning {
				seen[a.Worker] = true
			}
		}
	}
	return len(seen)
}

func (q Standing) paused(id jobs.NodeID) bool { return q.Paused != nil && q.Paused(id) }

// workers are the live ones that may get work.
func (q Standing) workers() (list []jobs.NodeID) {
	p := &planner{Request: Request{State: q.State}}
	for _, id := range q.Live {
		if p.worker(id) != nil {
			list = append(list, id)
		}
	}
	return list
}

// enrolled is how many of the live are workers at all.
func (q Standing) enrolled() (n int) {
	for _, id := range q.Live {
		if w := q.State.Nodes[id]; w != nil && w.Role == jobs.Worker {
			n++
		}
	}
	return n
}

// moved is when something last happened: a result was accepted, or an attempt began.
func (q Standing) moved() jobs.Time {
	last := max(q.Job.Submitted, q.Job.Progress)
	for _, t := range q.Job.Open {
		for i := range t.Attempts {
			last = max(last, t.Attempts[i].Started)
		}
	}
	return last
}

func disputed(j *jobs.Job) bool {
	for _, t := range j.Open {
		if t.Disputed {
			return true
		}
	}
	return false
}
