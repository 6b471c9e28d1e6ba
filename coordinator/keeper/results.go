package keeper

import (
	"context"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// maxScan bounds for how many results one look holds the state, and maxOpen how many
	// of a job are looked at before some of them are here.
	maxScan = 4096
	maxOpen = 4096
	// maxConfirm bounds how many results one command confirms.
	maxConfirm = 8192
	// demandTime is for how long the results of a job that came to nothing are copied
	// after somebody has asked for them.
	demandTime = time.Minute
)

// keepResults goes one step further with all jobs whose results are to be copied. It
// waits for no peer: what comes is taken at the next step.
func (k *Keeper) keepResults(ctx context.Context) {
	k.takeRewound()
	k.settle()
	for _, id := range k.inTurn() {
		k.scan(id)
		k.fetchNext(ctx, id)
	}
	k.confirmResults(ctx)
	k.review(ctx)
}

// inTurn are the jobs with results to be copied: those that run, each of them first in
// turn, and then one of those that have succeeded, whose results are safe already. The
// rest came to nothing, and so nobody waits for their results, unless somebody asks.
func (k *Keeper) inTurn() []jobs.JobID {
	var running, over []jobs.JobID
	k.cfg.Replica.View(func(s *jobs.State) {
		for id, j := range s.Jobs {
			switch c := k.courses[id]; {
			case j.Released:
			case j.State != jobs.JobRunning && j.State != jobs.JobSucceeded && !k.demanded(id):
				k.abandon(id)
			case c != nil && int(c.cursor) >= len(j.Order) && len(c.open) == 0 || len(j.Order) == 0:
			case j.State == jobs.JobRunning:
				running = append(running, id)
			default:
				over = append(over, id)
			}
		}
	})
	k.round++
	running, over = rotated(running, k.round), rotated(over, k.round)
	return append(running, over[:min(1, len(over))]...)
}

// rotated is a list in order, begun at another place each round.
func rotated(list []jobs.JobID, round int) []jobs.JobID {
	slices.Sort(list)
	if len(list) == 0 {
		return nil
	}
	at := round % len(list)
	return slices.Concat(list[at:], list[:at])
}

// scan notes what is to be copied of the next results of a job.
func (k *Keeper) scan(id jobs.JobID) {
	c := k.courses[id]
	if c == nil {
		c = &course{}
		k.courses[id] = c
	}
	k.cfg.Replica.View(func(s *jobs.State) {
		j := s.Jobs[id]
		if j == nil {
			return // it was forgotten a moment ago
		}
		end := min(len(j.Order), int(c.cursor)+maxScan)
		for ; int(c.cursor) < end && len(c.open)-c.failing < maxOpen; c.cursor++ {
			if w, lacks := k.want(s, id, c.cursor); lacks {
				c.open = append(c.open, k.newErrand(w))
			}
		}
	})
}

// want is a result that counts, unless this coordinator has got it and said so: then it
// is from before the start.
func (k *Keeper) want(s *jobs.State, id jobs.JobID, sequence jobs.Sequence) (w wanted, lacks bool) {
	j := s.Jobs[id]
	if j == nil || j.Released || !j.Current(sequence) {
		return wanted{}, false // taken back, or accepted once more further on
	}
	place := j.Order[sequence]
	output := j.Closed[place].Output
	if s.Denies(output.ID) {
		return wanted{}, false
	}
	if s.Holds(j, place, k.cfg.Node) && k.cfg.Store.Complete(output.ID) {
		k.keep(id, place, output.ID)
		return wanted{}, false
	}
	from, all := k.holders(s, j, place)
	return wanted{
		job: id, sequence: sequence, place: place, output: output, from: from, holders: all,
		unheld: j.State == jobs.JobRunning && k.nobodyHolds(s, j, place),
	}, true
}

// nobodyHolds says whether no coordinator that is there has a result. Older rules know
// of none that is away.
func (k *Keeper) nobodyHolds(s *jobs.State, j *jobs.Job, place jobs.Place) bool {
	holders := j.Closed[place].Holders
	if s.Version() >= jobs.VersionInput {
		holders &^= s.HolderBits(k.away)
	}
	return holders == 0
}

// confirmResults tells the leader what is here now, of all jobs at once. What it does not
// hear is told again.
func (k *Keeper) confirmResults(ctx context.Context) {
	if len(k.here) == 0 || !k.unheard.over() {
		return
	}
	list := k.here[:min(len(k.here), maxConfirm)]
	c := jobs.ConfirmHeld{Coordinator: k.cfg.Node, Results: namedByJob(list)}
	if err := k.cfg.Confirm(ctx, c); err != nil {
		k.cfg.Logger.Debug("failed to confirm results", "error", err)
		k.unheard.wait(retryMin)
		return
	}
	for _, e := range list {
		e.done = true
	}
	k.here = slices.Clone(k.here[len(list):])
}

// namedByJob names results as commands do.
func namedByJob(list []*errand) (held []jobs.HeldResults) {
	at := map[jobs.JobID]int{}
	for _, e := range list {
		if _, known := at[e.job]; !known {
			at[e.job] = len(held)
			held = append(held, jobs.HeldResults{Job: e.job})
		}
		h := &held[at[e.job]]
		h.Sequences = append(h.Sequences, e.sequence)
	}
	return held
}

// abandon gives up what is under way for a job that came to nothing. If its results are
// asked for after all, it is looked through from the start.
func (k *Keeper) abandon(id jobs.JobID) {
	c := k.courses[id]
	if c == nil || c.cursor == 0 {
		return
	}
	c.drop(0)
	c.cursor = 0
}

// Demand has the results of a job copied here though it came to nothing, since somebody
// wants to see what there is.
func (k *Keeper) Demand(id jobs.JobID) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.demands[id] = time.Now()
}

// demanded says whether somebody has asked for a job's results lately.
func (k *Keeper) demanded(id jobs.JobID) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	at, known := k.demands[id]
	if known && time.Since(at) > demandTime {
		delete(k.demands, id)
		return false
	}
	return known
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
