package chronicle

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// sampleEvery is how often it is looked how much owners are believed.
	sampleEvery = 5 * time.Second
	// pointsKept bounds what is remembered of an owner: when there are more, every second of
	// the older half goes.
	pointsKept = 256
	// ownersKept bounds the owners of whom anything is.
	ownersKept = 4096
)

// Point is how much an owner was believed from a time on.
type Point struct {
	At          jobs.Time
	Credibility jobs.Prob
	Credit      uint64
	Banned      bool
}

// same says whether nothing has changed that is drawn.
func (p Point) same(q Point) bool {
	return p.Credibility == q.Credibility && p.Credit == q.Credit && p.Banned == q.Banned
}

// trust is the history of owners. Chronicle.mu guards it.
type trust struct {
	owners map[jobs.OwnerID][]Point
}

// Run looks now and then until ctx ends.
func (c *Chronicle) Run(ctx context.Context, view func(read func(*jobs.State))) {
	ticker := time.NewTicker(sampleEvery)
	defer ticker.Stop()
	for {
		view(c.sample)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

func (c *Chronicle) sample(st *jobs.State) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.trust.owners, func(id jobs.OwnerID, _ []Point) bool { return st.Owners[id] == nil })
	for id, o := range st.Owners {
		list, known := c.trust.owners[id]
		if !known && len(c.trust.owners) >= ownersKept {
			continue
		}
		p := Point{At: st.Now, Credibility: st.Credibility(id), Credit: o.Credit, Banned: o.Banned != ""}
		if len(list) > 0 && list[len(list)-1].same(p) {
			continue
		}
		c.trust.owners[id] = thin(append(list, p))
	}
}

func thin(list []Point) []Point {
	if len(list) <= pointsKept {
		return list
	}
	var kept []Point
	for i, p := range list {
		if i >= len(list)/2 || i%2 == 0 {
			kept = append(kept, p)
		}
	}
	return kept
}

// History is that of an owner.
type History struct {
	Owner  jobs.OwnerID
	Points []Point
}

// Histories are those of all owners that fit, in the order of their names.
func (c *Chronicle) Histories(fits func(jobs.OwnerID) bool) (list []History) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, points := range c.trust.owners {
		if fits(id) {
			list = append(list, History{id, slices.Clone(points)})
		}
	}
	slices.SortFunc(list, func(a, b History) int { return cmp.Compare(a.Owner, b.Owner) })
	return list
}
