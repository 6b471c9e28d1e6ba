package keeper

import (
	"slices"

	"github.com/anthill-grid/anthill/jobs"
)

// Copying is what is still to come of a job's results that no coordinator has.
type Copying struct {
	Results int
	Bytes   int64
	Rate    float64       // in bytes a second, at which all of it comes
	From    []jobs.NodeID // that have it
	origins []*origin
}

// Copying is that of a job, as of the last review.
func (k *Keeper) Copying(id jobs.JobID) Copying {
	k.mu.Lock()
	defer k.mu.Unlock()
	if c := k.copying[id]; c != nil {
		return *c
	}
	return Copying{}
}

// note counts a result that is to come.
func (r *reviewing) note(e *errand, left int64) {
	c := r.copying[e.job]
	if c == nil {
		c = &Copying{}
		r.copying[e.job] = c
	}
	c.Results++
	c.Bytes += left
	if slices.Contains(c.origins, e.origin) {
		return
	}
	c.origins = append(c.origins, e.origin)
	c.Rate += e.origin.rate(r.keeper.least)
	for _, id := range e.origin.nodes {
		if !slices.Contains(c.From, id) {
			c.From = append(c.From, id)
		}
	}
}

// publish lets others know.
func (r *reviewing) publish() {
	r.keeper.mu.Lock()
	defer r.keeper.mu.Unlock()
	r.keeper.copying = r.copying
}
