package placement

import (
	"slices"

	"github.com/anthill-grid/anthill/jobs"
)

// Terms are on what a donor lends a worker. The zero value lends for everybody, and does
// not say how much memory.
type Terms struct {
	// Memory is how many bytes its attempts may take together, see jobs.Spec.Footprint.
	Memory int64
	// Slots is how many run at a time; 0: not known.
	Slots int
	// Only are the owners for whose jobs it works alone, unless there are none, and Not
	// those for whose it does not.
	Only, Not []jobs.OwnerID
}

// Wants says whether a worker on these terms works for an owner.
func (t Terms) Wants(owner jobs.OwnerID) bool {
	return (len(t.Only) == 0 || slices.Contains(t.Only, owner)) && !slices.Contains(t.Not, owner)
}

// Holds says whether a task that takes so many bytes fits into what is lent.
func (t Terms) Holds(footprint int64) bool { return t.Memory == 0 || footprint <= t.Memory }

func (r Request) terms(id jobs.NodeID) Terms {
	if r.Terms == nil {
		return Terms{}
	}
	return r.Terms[id]
}

func (r Request) declines(id jobs.NodeID, job jobs.JobID) bool {
	return r.Declines != nil && r.Declines(id, job)
}

func footprint(j *jobs.Job) int64 { return j.Spec.Footprint(j.Spec.LikelyShard()) }

// crowds says whether one more task of a job is more than the worker's memory is for, with
// all that it holds. What waits for a slot has its share of the memory too, as if there
// were as many more. Where nothing of a job runs yet, the worker gets nothing else until
// there is room: small tasks must not keep a large one out for ever.
func (p *planner) crowds(jp *jobPlan, o *offer) (crowds, only bool) {
	t := p.terms(o.Worker)
	if t.Memory == 0 || t.Slots == 0 || p.largest <= t.Memory/int64(t.Slots) {
		return false, false
	}
	if o.memory < 0 {
		o.memory = p.held(o.Worker)
		o.lent = t.Memory / int64(t.Slots) * int64(max(t.Slots, p.State.Holding(o.Worker)+o.Capacity))
	}
	if o.memory+jp.footprint <= max(o.lent, t.Memory) {
		return false, false
	}
	return true, jp.running == 0
}

// held is how much memory a worker's leases take.
func (p *planner) held(worker jobs.NodeID) (n int64) {
	for _, lease := range p.State.LeasesOf(worker) {
		if at, _, ok := p.State.Lease(lease); ok {
			n += footprint(p.State.Jobs[at.Job])
		}
	}
	return n
}
