package placement

import "github.com/anthill-grid/anthill/jobs"

// crew are the owners with a live worker that is not banned and can run the job, as many of
// them as were looked for.
type crew struct {
	owners map[jobs.OwnerID]bool
	// looked counts the offers and then the live workers that were looked at.
	looked int
}

// liveOwners are those, all of them or more than so many.
func (p *planner) liveOwners(id jobs.JobID, j *jobs.Job, enough int) map[jobs.OwnerID]bool {
	c := p.crews[id]
	if c == nil {
		c = &crew{owners: map[jobs.OwnerID]bool{}}
		p.crews[id] = c
	}
	for ; len(c.owners) <= enough && c.looked < len(p.offers)+len(p.Live); c.looked++ {
		worker := jobs.NodeID("")
		if c.looked < len(p.offers) {
			worker = p.offers[c.looked].Worker
		} else {
			worker = p.Live[c.looked-len(p.offers)]
		}
		if n := p.worker(worker); n != nil && p.able(worker, id, j) {
			c.owners[n.Owner] = true
		}
	}
	return c.owners
}

// nobodyElse says that every live owner has tried the task.
func (p *planner) nobodyElse(jp *jobPlan, t *taskPlan) bool {
	owners := p.liveOwners(jp.id, jp.job, len(t.task.Attempts))
	if len(owners) > len(t.task.Attempts) {
		return false
	}
	for owner := range owners {
		if !t.task.Tried(owner) {
			return false
		}
	}
	return true
}
