package keeper

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// scrubEvery is the pause after so much was read to see whether the disk still
	// has it: scrubBytes, by which a terabyte takes three days, or scrubPieces.
	scrubEvery  = time.Second
	scrubBytes  = 4 << 20
	scrubPieces = 256
	// maxLostCharges is how many charges one command takes back: with so many it stays
	// well below replica.MaxCommand.
	maxLostCharges = 4096
)

// scrub reads what is held, round and round, until ctx ends. The store forgets a
// piece that does not fit its hash. That a copy has fallen away is told to the leader,
// and it is fetched again: results by keepResults, all else by hold.
func (k *Keeper) scrub(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { k.scrubInputs(ctx) })
	loops.Go(func() { k.scrubResults(ctx) })
	for ctx.Err() == nil {
		k.tellLost(ctx, k.lostCharges())
		sleep(ctx, scrubEvery)
	}
	loops.Wait()
}

// reader reads pieces, not too many at a time.
type reader struct {
	store  *blobstore.Store
	bytes  int
	pieces int
}

// intact reads a blob for as long as it is wanted, and says whether all is there. An
// error that is not about the bytes says nothing.
func (r *reader) intact(ctx context.Context, id blob.ID, wanted func(blob.ID) bool) bool {
	m, err := r.store.Manifest(id)
	if err != nil {
		r.pause(ctx, 0)
	}
	for i := 0; err == nil && i < len(m.Pieces) && wanted(id) && ctx.Err() == nil; i++ {
		var data []byte
		data, err = r.store.ReadPiece(id, i)
		r.pause(ctx, len(data))
	}
	return !errors.Is(err, blobstore.ErrNotFound)
}

func (r *reader) pause(ctx context.Context, bytes int) {
	r.bytes, r.pieces = r.bytes+bytes, r.pieces+1
	if r.bytes >= scrubBytes || r.pieces >= scrubPieces {
		r.bytes, r.pieces = 0, 0
		sleep(ctx, scrubEvery)
	}
}

// scrubInputs reads the blobs of all charges.
func (k *Keeper) scrubInputs(ctx context.Context) {
	r := &reader{store: k.cfg.Store}
	for ctx.Err() == nil {
		for _, id := range k.heldBlobs() {
			r.intact(ctx, id, k.Holds)
		}
		sleep(ctx, scrubEvery)
	}
}

// heldBlobs are the blobs of all charges.
func (k *Keeper) heldBlobs() []blob.ID {
	k.mu.Lock()
	defer k.mu.Unlock()
	seen := map[blob.ID]bool{}
	var list []blob.ID
	for _, h := range k.taken {
		for _, r := range h.blobs {
			if !seen[r.ID] {
				seen[r.ID] = true
				list = append(list, r.ID)
			}
		}
	}
	return list
}

// lostCharges are those that this coordinator has confirmed and has not got, at most
// maxLostCharges: once the others are told of, the rest has its turn.
func (k *Keeper) lostCharges() jobs.ConfirmHeld {
	lost := jobs.ConfirmHeld{Coordinator: k.cfg.Node, Lost: true}
	for _, c := range k.incomplete() {
		if len(lost.Inputs)+len(lost.Blobs) == maxLostCharges {
			break
		}
		switch {
		case !k.confirmed(c):
		case c.job != "":
			lost.Inputs = append(lost.Inputs, c.job)
		default:
			lost.Blobs = append(lost.Blobs, c.dataset)
		}
	}
	return lost
}

func (k *Keeper) incomplete() (list []charge) {
	k.mu.Lock()
	taken := maps.Clone(k.taken)
	k.mu.Unlock()
	for c, h := range taken {
		if !k.complete(h) {
			list = append(list, c)
		}
	}
	return list
}

// tellLost tells the leader what is not held any more, if anything. What the leader does
// not hear is found again.
func (k *Keeper) tellLost(ctx context.Context, lost jobs.ConfirmHeld) {
	if len(lost.Inputs)+len(lost.Blobs)+len(lost.Results) == 0 {
		return
	}
	if err := k.cfg.Confirm(ctx, lost); err != nil {
		k.cfg.Logger.Debug("failed to tell of lost copies", "error", err)
		return
	}
	level := slog.LevelDebug
	if k.complains() {
		level = slog.LevelWarn
	}
	k.cfg.Logger.Log(ctx, level, "copies lost: fetching them again", "jobs", len(lost.Inputs), "datasets", len(lost.Blobs), "results", countResults(lost.Results))
}

func countResults(list []jobs.HeldResults) (n int) {
	for _, h := range list {
		n += len(h.Sequences)
	}
	return n
}

// scrubResults reads the results that are held, job by job.
func (k *Keeper) scrubResults(ctx context.Context) {
	r := &reader{store: k.cfg.Store}
	for ctx.Err() == nil {
		var all []jobs.JobID
		k.cfg.Replica.View(func(s *jobs.State) {
			for id := range s.Jobs {
				all = append(all, id)
			}
		})
		for _, id := range all {
			k.scrubJob(ctx, id, r)
		}
		sleep(ctx, scrubEvery)
	}
}

func (k *Keeper) scrubJob(ctx context.Context, id jobs.JobID, r *reader) {
	always := func(blob.ID) bool { return true }
	from := jobs.Sequence(0)
	for ctx.Err() == nil {
		list, next := k.heldResults(id, from)
		if next == from {
			return
		}
		from = next
		var lost []jobs.Sequence
		for _, w := range list {
			if !r.intact(ctx, w.output.ID, always) {
				lost = append(lost, w.sequence)
			}
		}
		if len(lost) > 0 {
			k.tellLost(ctx, jobs.ConfirmHeld{Coordinator: k.cfg.Node, Lost: true, Results: []jobs.HeldResults{{Job: id, Sequences: lost}}})
			k.rewind(id, lost[0])
		}
	}
}

// heldResults are the next results of a job that this coordinator has confirmed, and
// where to go on.
func (k *Keeper) heldResults(id jobs.JobID, from jobs.Sequence) (list []wanted, next jobs.Sequence) {
	k.cfg.Replica.View(func(s *jobs.State) {
		j := s.Jobs[id]
		if next = from; j == nil {
			return // it was forgotten meanwhile
		}
		end := jobs.Sequence(min(len(j.Order), int(from)+maxScan))
		for next = from; next < end && len(list) < maxBatch; next++ {
			if place := j.Order[next]; j.Current(next) && s.Holds(j, place, k.cfg.Node) {
				list = append(list, wanted{job: id, sequence: next, output: j.Closed[place].Output})
			}
		}
	})
	return list, next
}

// rewind has a job's results copied again from a sequence on.
func (k *Keeper) rewind(id jobs.JobID, sequence jobs.Sequence) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if at, known := k.rewound[id]; !known || sequence < at {
		k.rewound[id] = sequence
	}
}

// takeRewound sets back the cursors. It is called by the goroutine of Run.
func (k *Keeper) takeRewound() {
	k.mu.Lock()
	defer k.mu.Unlock()
	for id, at := range k.rewound {
		if c := k.courses[id]; c != nil && at < c.cursor {
			c.cursor = at
			c.drop(at)
		}
	}
	clear(k.rewound)
}
