package keeper

import (
	"context"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// missingAfter is how long nothing of what a job lacks can be had before it is
// computed again.
const missingAfter = 5 * time.Minute

// lagging are a job's results that could not be had when it was their turn. They are
// tried again and again, some at a time.
type lagging struct {
	list []*late
	backoff
}

// late is a result that could not be had.
type late struct {
	sequence jobs.Sequence
	// since is when it was first lacked while nobody held it; zero: it was held, or
	// something came, or this coordinator was to blame.
	since  time.Time
	pieces int // that were here at the last try
}

// leave adds what was to be copied and is not held, and says how much that is.
func (l *lagging) leave(list, held []wanted) int {
	rest := without(list, held)
	if len(l.list) == 0 && len(rest) > 0 {
		l.wait(retryMin)
	}
	for _, w := range rest {
		b := &late{sequence: w.sequence}
		if w.unheld {
			b.since = time.Now()
		}
		l.list = append(l.list, b)
	}
	return len(rest)
}

// without are those of list that are not among held.
func without(list, held []wanted) (rest []wanted) {
	has := map[jobs.Sequence]bool{}
	for _, w := range held {
		has[w.sequence] = true
	}
	return slices.DeleteFunc(slices.Clone(list), func(w wanted) bool { return has[w.sequence] })
}

// forget drops what is going to have its first turn again, from a sequence on.
func (l *lagging) forget(from jobs.Sequence) {
	l.list = slices.DeleteFunc(l.list, func(b *late) bool { return b.sequence >= from })
}

// take takes the next that are still lacking off the list, and what is known of them.
func (k *Keeper) take(id jobs.JobID, l *lagging) (list []wanted, known map[jobs.Sequence]*late) {
	n := 0
	k.cfg.Replica.View(func(s *jobs.State) {
		list, n = k.pick(s, id, len(l.list), func(i int) jobs.Sequence { return l.list[i].sequence })
	})
	known = map[jobs.Sequence]*late{}
	for _, b := range l.list[:n] {
		known[b.sequence] = b
	}
	l.list = slices.Clone(l.list[n:])
	return list, known
}

// catchUp tries again some of what is behind, the longer after the last time the less
// came of it then.
func (k *Keeper) catchUp(ctx context.Context, id jobs.JobID, l *lagging) {
	list, known := k.take(id, l)
	held, trouble, err := k.copyResults(ctx, id, list)
	if err != nil {
		held = nil
	}
	rest := without(list, held)
	came := k.comes(known, rest)
	if came || err != nil || len(held) > 0 || trouble != nil {
		for _, b := range known {
			b.since = time.Time{}
		}
	} else {
		k.tellMissing(ctx, known, rest)
	}
	switch {
	case len(rest) == 0:
		l.wait(0)
	case came || err != nil || len(held) > 0:
		l.wait(retryMin)
	default:
		l.wait(retryAfter(trouble, l.pause))
	}
	if trouble != nil && ctx.Err() == nil {
		k.failed("copy results", trouble, true, "job", id)
	}
	for _, w := range rest {
		l.list = append(l.list, known[w.sequence])
	}
}

// comes tells whether more pieces of what is lacking are here than at the last try, or
// its bytes still come, since the swarm has not given it up: a slow uplink is no reason
// to take a result back, and neither is that other results come first.
func (k *Keeper) comes(known map[jobs.Sequence]*late, list []wanted) (more bool) {
	for _, w := range list {
		b := known[w.sequence]
		before := b.pieces
		if _, have, err := k.cfg.Store.Have(w.output.ID); err == nil {
			b.pieces = have.Count()
		}
		c := k.copies[w.output.ID]
		coming := c != nil && c.runs() || c == nil && isLarge(w.output) && len(k.copies) >= maxCopies
		more = more || coming || b.pieces > before
	}
	return more
}

// tellMissing tells the leader of results that nobody holds and that could not be had
// for missingAfter, unless this coordinator has no space for them. The time of each is
// its own.
func (k *Keeper) tellMissing(ctx context.Context, known map[jobs.Sequence]*late, list []wanted) {
	var size int64
	var missing []jobs.Sequence
	for _, w := range list {
		b := known[w.sequence]
		switch {
		case !w.unheld:
			b.since = time.Time{}
		case b.since.IsZero():
			b.since = time.Now()
		case time.Since(b.since) >= missingAfter:
			missing = append(missing, w.sequence)
			size += w.output.Size
		}
	}
	if len(missing) == 0 || k.cfg.Store.Room(size, 0) != nil {
		return
	}
	for _, sequence := range missing {
		known[sequence].since = time.Time{}
	}
	c := jobs.ConfirmHeld{Coordinator: k.cfg.Node, Missing: []jobs.HeldResults{{Job: list[0].job, Sequences: missing}}}
	if err := k.cfg.Confirm(ctx, c); err != nil {
		k.cfg.Logger.Debug("failed to tell of missing results", "error", err)
	}
}
