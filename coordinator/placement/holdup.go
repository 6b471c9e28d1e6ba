package placement

import (
	"slices"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// othersFirst is for how long a task whose result came too slowly is kept for those
	// who have a line for it, and othersFactor for how many attempts' time: it doubles
	// each time, like the patience with such results.
	othersFirst  = time.Minute
	othersFactor = 6
)

// overloads says whether a worker has so many results to send that one more of a job
// would come too late. Who has nothing to send gets something: a line may have become
// better.
func (p *planner) overloads(jp *jobPlan, o *offer) bool {
	if p.Lines == nil || p.Lines.mean(jp.id) == 0 {
		return false
	}
	if o.inHand < 0 {
		o.inHand = p.Lines.inHand(p.State, o.Worker)
	}
	return o.inHand > 0 && !p.Lines.carries(o.Worker, jp.job, o.inHand+p.Lines.mean(jp.id))
}

// holdsUp says whether a task of which a result was taken back, since it came too slowly,
// would be held up once more by a worker, and others are there that would not.
func (p *planner) holdsUp(jp *jobPlan, t *taskPlan, worker jobs.NodeID) bool {
	if !p.othersFirst(jp, t) || p.delivers(jp, t, worker) {
		return false
	}
	repeat := !p.Early && p.nobodyElse(jp, t)
	return slices.ContainsFunc(p.Able(jp.id, jp.job), func(id jobs.NodeID) bool {
		n := p.worker(id)
		return n != nil && p.delivers(jp, t, id) && p.State.MayAttempt(jp.job, &t.task, id, n.Owner, repeat)
	})
}

// othersFirst says whether it is not long since a result of a task was taken back: others
// may be there that are paused, so a task is not kept for them for ever.
func (p *planner) othersFirst(jp *jobPlan, t *taskPlan) bool {
	var last jobs.Time
	wait := othersFirst + othersFactor*jp.job.Pace
	for _, a := range t.task.Attempts {
		if a.State == jobs.AttemptUnfetched {
			last = max(last, a.Expires)
			wait = min(2*wait, 24*time.Hour)
		}
	}
	return last > 0 && p.State.Now < last.Add(wait)
}

// delivers says whether a worker has not been too slow for a task yet, and has a line for
// its result.
func (p *planner) delivers(jp *jobPlan, t *taskPlan, worker jobs.NodeID) bool {
	tooSlow := func(a jobs.Attempt) bool { return a.Worker == worker && a.State == jobs.AttemptUnfetched }
	if slices.ContainsFunc(t.task.Attempts, tooSlow) {
		return false
	}
	return p.hasLine(jp.id, worker)
}

// hasLine says whether a worker's line can send one result of a job in good time.
func (p *planner) hasLine(id jobs.JobID, worker jobs.NodeID) bool {
	return p.Lines == nil || p.Lines.carries(worker, p.State.Jobs[id], p.Lines.mean(id))
}
