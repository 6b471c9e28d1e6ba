package desk

import (
	"maps"
	"reflect"
	"time"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/jobs"
)

// declineLife is for how long a worker gets nothing of a job that its donor has ruled
// out: donors change their minds.
const declineLife = 10 * time.Minute

// Lend notes on what terms a worker's donor lends it.
func (d *Desk) Lend(id jobs.NodeID, t placement.Terms) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.leading {
		w := d.hear(id)
		d.crew.stale = d.crew.stale || !reflect.DeepEqual(w.terms, t)
		w.terms = t
	}
}

// Terms are on what a worker is lent, as it was last heard.
func (d *Desk) Terms(id jobs.NodeID) placement.Terms {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w := d.workers[id]; w != nil {
		return w.lent()
	}
	return placement.Terms{}
}

// lent are the terms, with the slots that go with them.
func (w *worker) lent() placement.Terms {
	t := w.terms
	t.Slots = w.slots
	return t
}

// terms are those of all workers that have any.
func (d *Desk) terms() map[jobs.NodeID]placement.Terms {
	d.mu.Lock()
	defer d.mu.Unlock()
	list := map[jobs.NodeID]placement.Terms{}
	for id, w := range d.workers {
		if w.terms.Memory > 0 || w.terms.Only != nil || w.terms.Not != nil {
			list[id] = w.lent()
		}
	}
	return list
}

// Decline notes that a worker's donor has ruled out the jobs of these leases: it gets no
// more of them, and nobody waits for it to have its turn.
func (d *Desk) Decline(id jobs.NodeID, leases []jobs.LeaseID) {
	declined := map[reading]time.Time{}
	now := time.Now()
	d.replica.View(func(s *jobs.State) {
		for _, lease := range leases {
			if p, holder, ok := s.Lease(lease); ok && holder == id {
				declined[reading{id, p.Job}] = now
			}
		}
	})
	d.mu.Lock()
	defer d.mu.Unlock()
	maps.DeleteFunc(d.declined, func(_ reading, since time.Time) bool { return now.Sub(since) > declineLife })
	maps.Copy(d.declined, declined)
}

// Declines says whether a worker's donor has ruled a job out.
func (d *Desk) Declines(id jobs.NodeID, job jobs.JobID) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	since, said := d.declined[reading{id, job}]
	return said && time.Since(since) <= declineLife
}
