package keeper

import (
	"errors"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
)

// A job leaves results, labels and inputs behind. Results and labels are pinned for as
// long as the state knows the job, and the results of a cancelled one no longer than until
// it is; then all of it goes from the disk at once, but for what others need.

// maxDiscard bounds what is deleted in one step.
const maxDiscard = 512

// estate is what a job has here beside its results.
type estate struct {
	blobs  []blob.ID // that it reads
	labels []blob.ID // of these, the labels that are pinned
}

// keepEstates pins the labels of jobs, also of those that are finished: whoever reads
// their results wants to know of which input they are. It lets jobs go that are over for
// good.
func (k *Keeper) keepEstates() {
	k.cfg.Replica.View(func(s *jobs.State) {
		for id, j := range s.Jobs {
			e := k.estates[id]
			if e == nil {
				e = &estate{}
				for _, ref := range j.Spec.Blobs() {
					e.blobs = append(e.blobs, ref.ID)
				}
				k.estates[id] = e
			}
			for _, l := range j.Spec.Labels() {
				if len(e.labels) == 0 && k.cfg.Store.Complete(l.ID) {
					k.cfg.Store.Pin(l.ID)
					e.labels = append(e.labels, l.ID)
				}
			}
		}
		for id := range k.courses {
			if j := s.Jobs[id]; j == nil || j.Released {
				k.dropCourse(id)
			}
		}
		for id := range k.estates {
			if s.Jobs[id] == nil {
				k.dropEstate(id)
			}
		}
	})
}

// keep pins a result, once however often it is found, and lets go what was accepted before
// of the same task: it may be what a liar made up.
func (k *Keeper) keep(id jobs.JobID, place jobs.Place, output blob.ID) {
	c := k.courses[id]
	if c == nil {
		return // it was let go
	}
	for len(c.pinned) <= int(place) {
		c.pinned = append(c.pinned, blob.ID{})
	}
	old := c.pinned[place]
	if old == output {
		return
	}
	k.cfg.Store.Pin(output)
	c.pinned[place] = output
	if !old.IsZero() {
		k.cfg.Store.Unpin(old)
		k.waste = append(k.waste, old)
	}
}

// dropCourse lets go the results of a job.
func (k *Keeper) dropCourse(id jobs.JobID) {
	c := k.courses[id]
	delete(k.courses, id)
	for _, e := range c.open {
		e.finish()
	}
	for _, output := range c.pinned {
		if !output.IsZero() {
			k.cfg.Store.Unpin(output)
			k.waste = append(k.waste, output)
		}
	}
}

// dropEstate lets go all else. What it read may be a dataset, or another job's: these pin
// it.
func (k *Keeper) dropEstate(id jobs.JobID) {
	e := k.estates[id]
	delete(k.estates, id)
	for _, label := range e.labels {
		k.cfg.Store.Unpin(label)
	}
	k.waste = append(k.waste, e.blobs...)
}

// discard deletes some of what was let go.
func (k *Keeper) discard() {
	if len(k.waste) == 0 {
		return
	}
	n := min(len(k.waste), maxDiscard)
	for _, id := range k.waste[:n] {
		if err := k.cfg.Store.Delete(id); err != nil && !errors.Is(err, blobstore.ErrPinned) {
			k.failed("delete what nobody needs any more", err, true, "blob", id.Short())
		}
	}
	if k.waste = k.waste[n:]; len(k.waste) == 0 {
		k.waste = nil
		k.cfg.Store.GiveBack()
	}
}
