package keeper

import (
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// wanted is an accepted result that is to be copied.
type wanted struct {
	job       jobs.JobID
	sequence  jobs.Sequence // in the job's order of results
	place     jobs.Place    // of the task
	output    blob.Ref
	unheld    bool             // no coordinator that is there has it, and the job runs
	from      []jobs.NodeID    // that have it, see holders
	holders   []jobs.NodeID    // that are asked for it
	providers []swarm.Provider // where these are, see locate
}

// isLarge tells whether a result has more than a piece.
func isLarge(output blob.Ref) bool { return output.Size > blob.MinPiece }

// course is how far the copying of a job's results has come: all before the cursor are
// here, except those that are open. What cannot be had holds up neither what comes after
// it nor other jobs.
type course struct {
	cursor jobs.Sequence
	open   []*errand // in order
	// failing is how many of the open could not be had so far.
	failing int
	// reviewed is where in open the last review ended.
	reviewed int
	// pinned are the results that are, by their places.
	pinned []blob.ID
}

// errand is a result that is to be brought here and confirmed.
type errand struct {
	wanted
	origin *origin
	flight *flight // by which it comes; nil: none
	come   int64   // bytes that were here at the last look
	whole  int64   // those in whole pieces, and when there were last more of them
	moved  time.Time
	failed int // tries since then
	// since is when it was first lacked while nobody held it; zero: somebody did, or this
	// coordinator was to blame.
	since time.Time
	backoff
	here bool // and only to be confirmed
	done bool // or not wanted any more
}

func (k *Keeper) newErrand(w wanted) *errand {
	e := &errand{}
	k.update(e, w)
	return e
}

// update notes what the state says now of a result.
func (k *Keeper) update(e *errand, w wanted) {
	e.wanted = w
	e.origin = k.originOf(w)
	switch {
	case !w.unheld:
		e.since = time.Time{}
	case e.since.IsZero():
		e.since = time.Now()
	}
}

// refresh does so, and says whether the result is still wanted.
func (k *Keeper) refresh(s *jobs.State, e *errand) bool {
	w, lacks := k.want(s, e.job, e.sequence)
	if !lacks {
		e.finish()
		return false
	}
	w.providers = e.providers
	k.update(e, w)
	return true
}

// waits says whether the next try is due, and nobody is trying.
func (e *errand) waits() bool { return !e.done && !e.here && e.flight == nil && e.over() }

// missed notes a try that did not bring all of it.
func (e *errand) missed(err error) {
	e.failed++
	if e.come > e.whole {
		e.whole, e.moved, e.failed = e.come, time.Now(), 0
	}
	e.wait(retryAfter(err, e.pause))
}

// finish takes it off the list. What is on its way is wanted no more, unless by others.
func (e *errand) finish() {
	e.done = true
	if e.flight != nil {
		e.flight.leave(e)
	}
}

// tidy forgets what is done.
func (c *course) tidy() {
	c.failing = 0
	c.open = slices.DeleteFunc(c.open, func(e *errand) bool {
		if !e.done && e.pause > 0 {
			c.failing++
		}
		return e.done
	})
}

// drop forgets all from a sequence on: it is going to be looked at again, or not at all.
func (c *course) drop(from jobs.Sequence) {
	for _, e := range c.open {
		if e.sequence >= from {
			e.finish()
		}
	}
	c.tidy()
}
