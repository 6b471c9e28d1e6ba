package placement

import (
	"cmp"
	"slices"

	"github.com/anthill-grid/anthill/jobs"
)

// Near says whether a worker has all pieces of the input that a task reads. It
// is the worker's word: it may decide who computes a task first, which is
// checked like any other, but not who checks whom, or liars would choose to check
// each other.
type Near func(worker jobs.NodeID, job *jobs.Job, place uint32) bool

// gather hands the fresh tasks of the plan round among those who got one, so
// that they go to workers that have their pieces, or that get another task of the
// same piece. Everybody keeps as many as he had.
func (p *planner) gather() {
	for _, jp := range p.jobs {
		if jp.job.Spec.Input.Blob != nil {
			p.gatherJob(jp)
		}
	}
}

func (p *planner) gatherJob(jp *jobPlan) {
	alone := map[uint32]bool{}
	for _, t := range jp.tasks {
		alone[t.index] = t.index >= jp.job.Next && len(t.task.Attempts) == 1
	}
	var at []int // of the grants that may change hands
	for i, g := range p.grants {
		if g.Job == jp.id && alone[g.Task] && (jp.prospect == nil || !jp.prospect.Spoken(g.Task)) {
			at = append(at, i)
		}
	}
	slices.SortFunc(at, func(a, b int) int { return cmp.Compare(p.grants[a].Task, p.grants[b].Task) })
	var free []jobs.NodeID
	for _, i := range at {
		free = append(free, p.grants[i].Worker)
	}
	// Who has the pieces comes first; what is left is dealt out in runs.
	var rest []int
	for _, i := range at {
		if k := slices.IndexFunc(free, func(w jobs.NodeID) bool { return p.Near(w, jp.job, p.grants[i].Task) }); k >= 0 {
			p.grants[i].Worker = free[k]
			free = slices.Delete(free, k, k+1)
		} else {
			rest = append(rest, i)
		}
	}
	slices.Sort(free)
	for k, i := range rest {
		p.grants[i].Worker = free[k]
	}
}
