package keeper

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// reviewEvery is how often what is on its way is measured against what it costs to
	// compute it again.
	reviewEvery = time.Second
	// standstill is a gap between two reviews that means that this process was suspended.
	standstill = 5 * time.Second
	// maxFailed is after how many tries in vain a result is judged by itself, and not by
	// what else its origin hands out.
	maxFailed = 3
	// maxMissing bounds the results that one command takes back.
	maxMissing = 4096
)

// review measures what comes, and tells the leader which results are to be computed again
// since nobody holds them and they come too late or not at all.
func (k *Keeper) review(ctx context.Context) {
	elapsed := time.Since(k.reviewed)
	if elapsed < k.every {
		return
	}
	k.reviewed = time.Now()
	if elapsed > standstill {
		k.excuse()
	}
	there := k.there(ctx)
	k.lines.measure(k, elapsed)
	r := reviewing{keeper: k, there: there, ahead: map[*origin]int64{}, rates: map[*origin][]float64{}, copying: map[jobs.JobID]*Copying{}}
	k.cfg.Replica.View(func(s *jobs.State) {
		k.away = awayOf(s, there)
		r.workers = workersIn(s, there)
		for _, id := range slices.Sorted(maps.Keys(k.courses)) {
			r.job(s, id, k.courses[id])
		}
	})
	r.tell(ctx)
	r.publish()
	k.forgetOrigins()
}

// there are the coordinators that gossip says are alive, and the live workers.
func (k *Keeper) there(ctx context.Context) map[jobs.NodeID]bool {
	there := map[jobs.NodeID]bool{k.cfg.Node: true}
	for _, m := range k.cfg.Members() {
		if m.Status == membership.Alive {
			there[m.Node] = true
		}
	}
	for id := range k.cfg.Workers(ctx) {
		there[id] = true
	}
	return there
}

// awayOf are the coordinators that are not there.
func awayOf(s *jobs.State, there map[jobs.NodeID]bool) (away []jobs.NodeID) {
	for _, id := range s.Holders {
		if !there[id] {
			away = append(away, id)
		}
	}
	return away
}

// workersIn are the workers that are there, and may compute something.
func workersIn(s *jobs.State, there map[jobs.NodeID]bool) (list []jobs.NodeID) {
	for id := range there {
		if n := s.Nodes[id]; n != nil && n.Role == jobs.Worker && s.ShutOut(id) == "" {
			list = append(list, id)
		}
	}
	return list
}

// excuse has what is lacked until now count for nothing: it was this coordinator's own
// disk, line or sleep.
func (k *Keeper) excuse() { k.excused = time.Now() }

// reviewing is one review.
type reviewing struct {
	keeper  *Keeper
	there   map[jobs.NodeID]bool
	workers []jobs.NodeID // that are there
	ahead   map[*origin]int64
	rates   map[*origin][]float64 // those of others
	copying map[jobs.JobID]*Copying
	// slow are the results that come too slowly, gone those whose holders are not there.
	slow, gone []*errand
}

// job reviews what is open of a job, a part of it at a time.
func (r *reviewing) job(s *jobs.State, id jobs.JobID, c *course) {
	j := s.Jobs[id]
	if j == nil || j.State != jobs.JobRunning || len(c.open) == 0 {
		return
	}
	if c.reviewed >= len(c.open) {
		c.reviewed = 0
	}
	end := min(len(c.open), c.reviewed+maxScan)
	for _, e := range c.open[c.reviewed:end] {
		if !e.done && !e.here && r.keeper.refresh(s, e) && e.unheld {
			r.errand(s, j, e)
		}
	}
	c.reviewed = end
}

// errand decides what becomes of one result.
func (r *reviewing) errand(s *jobs.State, j *jobs.Job, e *errand) {
	left := e.output.Size - e.come
	r.note(e, left)
	r.ahead[e.origin] += left
	if len(r.slow)+len(r.gone) >= maxMissing || !r.outlook(s, j, e).overdue() {
		return
	}
	r.ahead[e.origin] -= left
	if e.origin.alive(r.there) {
		r.slow = append(r.slow, e)
	} else {
		r.gone = append(r.gone, e)
	}
}

// outlook is what is known of when a result will be here.
func (r *reviewing) outlook(s *jobs.State, j *jobs.Job, e *errand) outlook {
	k, src := r.keeper, e.origin
	if _, known := r.rates[src]; !known {
		r.rates[src] = k.elsewhere(src, r.workers)
	}
	since, moved, rate := latest(e.since, k.excused), src.moved, src.rate(k.least)
	if e.failed >= maxFailed {
		moved, rate = e.moved, 0 // whatever else comes
	}
	return outlook{
		age: time.Since(since), quiet: time.Since(latest(since, moved)), size: e.output.Size, left: r.ahead[src], rate: rate,
		pace: j.Pace, elsewhere: expected(r.rates[src], int(j.Next) == j.Total()), unfetched: j.Unfetched(e.place), least: k.least,
		alone: len(r.workers) <= r.among(src), ours: k.lines.busy(rate), old: s.Version() < jobs.VersionInput,
	}
}

func latest(a, b time.Time) time.Time {
	if a.Before(b) {
		return b
	}
	return a
}

// among is how many of the workers that are there are an origin's.
func (r *reviewing) among(s *origin) (n int) {
	for _, id := range s.nodes {
		if slices.Contains(r.workers, id) {
			n++
		}
	}
	return n
}

// tell tells the leader of what is to be computed again, unless this coordinator has no
// space for it.
func (r *reviewing) tell(ctx context.Context) {
	k := r.keeper
	var size int64
	for _, e := range slices.Concat(r.slow, r.gone) {
		size += e.output.Size
	}
	if size > 0 && k.cfg.Store.Room(size, 0) != nil {
		k.excuse()
		return
	}
	k.tellMissing(ctx, r.slow, true)
	k.tellMissing(ctx, r.gone, false)
}

func (k *Keeper) tellMissing(ctx context.Context, list []*errand, slow bool) {
	if len(list) == 0 {
		return
	}
	c := jobs.ConfirmHeld{Coordinator: k.cfg.Node, Missing: namedByJob(list)}
	if k.newRules() {
		c.Slow, c.Away = slow, k.away
	}
	for _, e := range list {
		e.since = time.Time{}
	}
	if err := k.cfg.Confirm(ctx, c); err != nil {
		k.cfg.Logger.Debug("failed to tell of missing results", "error", err)
	}
}

// newRules says whether results may be taken back that come slowly.
func (k *Keeper) newRules() (yes bool) {
	k.cfg.Replica.View(func(s *jobs.State) { yes = s.Version() >= jobs.VersionInput })
	return yes
}
