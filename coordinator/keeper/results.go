package keeper

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// maxResults bounds how many results are fetched in one go, maxLarge those of more
	// than a piece, and maxScan how many the state is held for.
	maxResults = 256
	maxLarge   = 8
	maxScan    = 4096
	// resultTurn is how long a job's results are waited for until others have their turn.
	resultTurn = time.Minute
)

// course is how far the copying of a job's results has come: all before the cursor are
// here, except those that are behind.
type course struct {
	cursor jobs.Sequence // in the job's order of results
	backoff
	behind lagging
	// large are the results of more than a piece that are pinned, by their places.
	large map[jobs.Place]blob.ID
}

// supersede notes that a large result is pinned, and lets go what was accepted before of
// the same task: it may be what a liar made up. Pinning a result twice counts once.
func (k *Keeper) supersede(id jobs.JobID, place jobs.Place, output blob.Ref) {
	p := k.copied[id]
	if !isLarge(output) || p == nil {
		return
	}
	if old, known := p.large[place]; known {
		k.cfg.Store.Unpin(old)
	}
	p.large[place] = output.ID
}

// wanted is an accepted result that is to be copied.
type wanted struct {
	job       jobs.JobID
	sequence  jobs.Sequence // in the job's order of results
	place     jobs.Place    // of the task
	output    blob.Ref
	unheld    bool             // no coordinator has it, and the job runs
	holders   []jobs.NodeID    // that are known to have it
	providers []swarm.Provider // where they are, see locate
}

// isLarge tells whether a result has more than a piece.
func isLarge(output blob.Ref) bool { return output.Size > blob.MinPiece }

// keepResults copies what was accepted since the last time.
func (k *Keeper) keepResults(ctx context.Context) {
	k.takeRewound()
	for _, id := range k.unread() {
		p := k.copied[id]
		if p == nil {
			p = &course{large: map[jobs.Place]blob.ID{}}
			k.copied[id] = p
		}
		for p.over() && k.keepFresh(ctx, id, p) {
		}
		if len(p.behind.list) > 0 && p.behind.over() && ctx.Err() == nil {
			k.catchUp(ctx, id, &p.behind)
		}
	}
}

// unread are the jobs with results beyond the cursor, or behind.
func (k *Keeper) unread() []jobs.JobID {
	var list []jobs.JobID
	k.cfg.Replica.View(func(s *jobs.State) {
		for id, j := range s.Jobs {
			if p := k.copied[id]; len(j.Order) > 0 && (p == nil || int(p.cursor) < len(j.Order) || len(p.behind.list) > 0) {
				list = append(list, id)
			}
		}
	})
	return list
}

// keepFresh copies a job's next results as far as they can be had, and says whether to
// go on. What cannot be had must hold up neither other jobs, which have their turn now,
// nor what comes after it. What fails here is tried again from the cursor on.
func (k *Keeper) keepFresh(ctx context.Context, id jobs.JobID, p *course) bool {
	list, next := k.pending(id, p.cursor)
	if next == p.cursor {
		return false
	}
	held, trouble, err := k.copyResults(ctx, id, list)
	switch {
	case ctx.Err() != nil:
		return false
	case err != nil:
		p.wait(retryMin)
		return false
	case trouble != nil:
		k.failed("copy results", trouble, true, "job", id)
		p.wait(retryAfter(trouble, p.pause))
		return false
	}
	p.cursor, p.pause = next, 0
	return p.behind.leave(list, held) == 0
}

// pending are results from the cursor on that this coordinator has not got or
// not confirmed, and where the cursor is after them.
func (k *Keeper) pending(id jobs.JobID, from jobs.Sequence) (list []wanted, next jobs.Sequence) {
	n := 0
	k.cfg.Replica.View(func(s *jobs.State) {
		list, n = k.pick(s, id, len(s.Jobs[id].Order)-int(from), func(i int) jobs.Sequence { return from + jobs.Sequence(i) })
	})
	return list, from + jobs.Sequence(n)
}

// pick takes of n of a job's results as many as one turn can copy of those that are
// wanted, and says how many it went through.
func (k *Keeper) pick(s *jobs.State, id jobs.JobID, n int, sequence func(i int) jobs.Sequence) (list []wanted, seen int) {
	large := 0
	for ; seen < min(n, maxScan) && len(list) < maxResults && large < maxLarge; seen++ {
		if !s.Jobs[id].Current(sequence(seen)) {
			continue // taken back, or accepted once more further on
		}
		w, lacks := k.want(s, id, sequence(seen))
		if !lacks {
			continue
		}
		list = append(list, w)
		if isLarge(w.output) {
			large++
		}
	}
	return list, seen
}

// copyResults copies and confirms what can be had of some results: what is held, what
// trouble this coordinator itself had, and why it could not be confirmed.
func (k *Keeper) copyResults(ctx context.Context, id jobs.JobID, list []wanted) (held []wanted, trouble, err error) {
	held, trouble = k.fetch(ctx, list)
	for _, w := range held {
		k.supersede(id, w.place, w.output)
	}
	return held, trouble, k.confirmResults(ctx, id, held)
}

// want is a current result, unless this coordinator has got it and said so: then it is
// from before the start.
func (k *Keeper) want(s *jobs.State, id jobs.JobID, sequence jobs.Sequence) (w wanted, lacks bool) {
	j := s.Jobs[id]
	place := j.Order[sequence]
	output := j.Closed[place].Output
	if s.Holds(j, place, k.cfg.Node) && k.cfg.Store.Complete(output.ID) {
		k.cfg.Store.Pin(output.ID)
		k.supersede(id, place, output)
		return wanted{}, false
	}
	return wanted{
		job: id, sequence: sequence, place: place, output: output, holders: k.holders(s, j, place),
		unheld: j.State == jobs.JobRunning && j.Closed[place].Holders == 0,
	}, true
}

func (k *Keeper) confirmResults(ctx context.Context, id jobs.JobID, held []wanted) error {
	if len(held) == 0 {
		return nil
	}
	h := jobs.HeldResults{Job: id}
	for _, w := range held {
		h.Sequences = append(h.Sequences, w.sequence)
	}
	return k.cfg.Confirm(ctx, jobs.ConfirmHeld{Coordinator: k.cfg.Node, Results: []jobs.HeldResults{h}})
}

// Store keeps outputs that came with reports. Those that turn out to be no results are
// not pinned, and go when the space is needed.
func (k *Keeper) Store(outputs [][]byte) error {
	_, err := k.cfg.Store.PutMany(outputs)
	return err
}

// Result is a small result's bytes, or nil if it is not here yet. Of a large one it says
// only whether it is here.
func (k *Keeper) Result(ref blob.Ref) ([]byte, bool) {
	if !k.cfg.Store.Complete(ref.ID) {
		return nil, false
	}
	if isLarge(ref) {
		return nil, true
	}
	data, err := k.cfg.Store.ReadRange(ref.ID, 0, -1)
	if err != nil {
		k.cfg.Logger.Warn("failed to read result", "blob", ref.ID, "error", err)
		return nil, false
	}
	return data, true
}
