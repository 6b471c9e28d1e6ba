package coordinator

import (
	"context"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// missingAfter is how long nothing of what a job lacks can be had before it is
// computed again.
const missingAfter = 5 * time.Minute

// comes tells whether more pieces of what is lacking are here than at the last try, or
// more bytes come, else the swarm had given up: a slow uplink is no reason to take a
// result back. Nor is it that other results come first.
func (k *keeper) comes(p *progress, list []wanted) bool {
	before := p.pieces
	p.pieces = 0
	coming := false
	for _, w := range list {
		c := k.copies[w.output.ID]
		coming = coming || c != nil && c.runs() || c == nil && len(k.copies) >= maxCopies
		if _, have, err := k.store.Have(w.output.ID); err == nil {
			p.pieces += have.Count()
		}
	}
	return coming || p.pieces > before
}

// tellMissing tells the leader of results that nobody holds, that were not to be had
// for long, and not because this coordinator has no room for them. What was accepted
// since has its time yet.
func (k *keeper) tellMissing(ctx context.Context, p *progress, list []wanted) {
	var size int64
	var lacked, still []uint32
	for _, w := range list {
		if !w.unheld {
			continue
		}
		lacked = append(lacked, w.sequence)
		if slices.Contains(p.lacked, w.sequence) {
			still = append(still, w.sequence)
			size += w.output.Size
		}
	}
	if p.since.IsZero() || len(still) == 0 {
		p.since, p.lacked = time.Now(), lacked
		return
	}
	if time.Since(p.since) < missingAfter || k.store.Room(size, 0) != nil {
		return
	}
	p.since = time.Time{}
	missing := []jobs.HeldResults{{Job: list[0].job, Sequences: still}}
	if err := k.confirm(ctx, jobs.ConfirmHeld{Coordinator: k.node, Missing: missing}); err != nil {
		k.logger.Debug("tell of missing results", "error", err)
	}
}
