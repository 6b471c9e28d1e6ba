package keeper

import (
	"context"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
)

// lackingEvery is how often the leader looks which jobs wait for what nobody has.
const lackingEvery = time.Second

// tellLacking tells the state which jobs' inputs are with nobody who is there, and which
// are again with somebody: a job does not wait for ever.
func (k *Keeper) tellLacking(ctx context.Context) {
	if time.Since(k.lacked) < min(k.every, lackingEvery) || !k.cfg.Leads() {
		return
	}
	k.lacked = time.Now()
	held := jobs.ConfirmHeld{Coordinator: k.cfg.Node}
	k.cfg.Replica.View(func(s *jobs.State) {
		if s.Version() < jobs.VersionThinkers {
			return
		}
		for _, id := range s.Running() {
			switch w, until := k.Lacks(s, id), untilOf(s.Jobs[id]); {
			case w.Reason == waits.InputAway || w.Reason == waits.InputLost:
				if until.IsZero() || time.Now().After(until) {
					held.Lacked = append(held.Lacked, jobs.LackedInput{Job: id, What: lackedInWords(w)})
				}
			case !until.IsZero() && k.looked(id):
				held.Found = append(held.Found, id)
			}
		}
	})
	if len(held.Lacked)+len(held.Found) == 0 {
		return
	}
	if err := k.cfg.Confirm(ctx, held); err != nil {
		k.cfg.Logger.Debug("failed to tell of inputs that nobody has", "error", err)
	}
}

// lackedInWords is what is lacking, for the end of the job.
func lackedInWords(w waits.Wait) string {
	if w.Reason == waits.InputLost {
		return "the only copies are with " + waits.List(w.Whom)
	}
	return w.Detail
}

// untilOf is until when a job waits for its input; zero: it does not.
func untilOf(j *jobs.Job) time.Time {
	until, waits := j.InputUntil()
	if !waits {
		return time.Time{}
	}
	return until.Std()
}

// looked says whether this coordinator has asked for a job's input since it began: before
// that it knows nothing of who has it.
func (k *Keeper) looked(id jobs.JobID) bool {
	_, t := k.troubleWith(charge{job: id})
	return t.tried
}

// missing says for people how many pieces of a charge are not here.
func (k *Keeper) missing(h *holding) string {
	lacking, all := 0, 0
	for _, r := range h.blobs {
		pieces := blob.Pieces(r.Size)
		if all += pieces; k.cfg.Store.Complete(r.ID) {
			continue
		}
		lacking += pieces
		if _, have, err := k.cfg.Store.Have(r.ID); err == nil {
			lacking -= min(pieces, have.Count())
		}
	}
	return fmt.Sprintf("%d of %d pieces are with nobody", lacking, all)
}
