package keeper

import (
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// maxLarge bounds the large results that are on their way at a time, and maxSmall
	// the batches of small ones. Jobs that are over get at most half of each.
	maxLarge = 256
	maxSmall = 32
	// maxBatch and batchBytes bound one batch.
	maxBatch   = 256
	batchBytes = 8 << 20
)

// choose are the open results that are to be fetched now: those that are here already,
// and of each origin as many as it may be asked for.
func (k *Keeper) choose(c *course) (list []*errand) {
	r := k.roomFor(c)
	k.cfg.Replica.View(func(s *jobs.State) {
		for _, e := range c.open {
			if len(list) >= maxScan {
				break
			}
			if !e.waits() {
				continue
			}
			here := k.reported(e)
			if !here && !r.fits(e) || !k.refresh(s, e) {
				continue
			}
			if !here {
				r.take(e)
			}
			list = append(list, e)
		}
	})
	return list
}

// reported says whether a result that was never asked for is here, since it came with its
// report.
func (k *Keeper) reported(e *errand) bool { return e.pause == 0 && k.cfg.Store.Complete(e.output.ID) }

// room is how much more may be on its way, of all and of each origin.
type room struct {
	large, batches int
	smalls         map[blob.ID]bool // that are on their way
	width          map[*origin]int
	batch          map[*origin]int64 // bytes of the batch that is being put together
	count          map[*origin]int   // results of it
}

// roomFor is the room that a job may use.
func (k *Keeper) roomFor(c *course) *room {
	part := 1
	if len(c.open) > 0 && k.isOver(c.open[0].job) {
		part = 2
	}
	small := len(k.flights) - len(k.copies)
	return &room{
		large: maxLarge/part - len(k.copies), batches: maxSmall/part - small,
		smalls: k.smalls, width: map[*origin]int{}, batch: map[*origin]int64{}, count: map[*origin]int{},
	}
}

func (k *Keeper) isOver(id jobs.JobID) (yes bool) {
	k.cfg.Replica.View(func(s *jobs.State) { yes = s.Jobs[id] == nil || s.Jobs[id].State != jobs.JobRunning })
	return yes
}

// fits says whether there is room for one more result.
func (r *room) fits(e *errand) bool {
	s := e.origin
	switch {
	case !s.over():
		return false
	case isLarge(e.output):
		return r.large > 0 && s.large+r.width[s] < s.width
	case r.smalls[e.output.ID]:
		return false // many tasks may have one result
	case r.count[s] == 0:
		return r.batches > 0 && s.batches < maxBatches
	}
	return r.count[s] < maxBatch && r.batch[s]+e.output.Size <= batchBytes
}

func (r *room) take(e *errand) {
	s := e.origin
	switch {
	case isLarge(e.output):
		r.large--
		r.width[s]++
		return
	case r.count[s] == 0:
		r.batches--
	}
	r.smalls[e.output.ID] = true
	r.count[s]++
	r.batch[s] += e.output.Size
}
