package desk

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// sweepEvery is how often the desk looks for leases that have ended.
	sweepEvery = 250 * time.Millisecond
	// maxRenewals bounds the leases of one log entry: it stays well below
	// replica.MaxCommand.
	maxRenewals = 20_000
)

// renewals are the leases heard of that are not written down yet. The desk's mutex
// guards them.
type renewals struct {
	heard map[jobs.LeaseID]bool // whether the worker stands
	// workers go on with all that they hold, but for what they did not name. Their leases
	// need not be written down one by one.
	workers map[jobs.NodeID]jobs.WorkerHeard
	gone    []jobs.LeaseID // that workers have come back without
	written time.Time      // when some were last
}

func newRenewals() renewals {
	return renewals{heard: map[jobs.LeaseID]bool{}, workers: map[jobs.NodeID]jobs.WorkerHeard{}, written: time.Now()}
}

// note takes down what a worker named. It is called with mu held.
func (r *renewals) note(id jobs.NodeID, named named, stands bool) {
	if named.all && !stands && len(named.alive) > 0 {
		r.workers[id] = named.worker
		for _, l := range named.alive {
			delete(r.heard, l)
		}
		return
	}
	delete(r.workers, id)
	for _, l := range named.alive {
		r.heard[l] = stands
	}
}

// byWorker are the workers in order, in runs that are not too long for a command.
func (r *renewals) byWorker() (runs [][]jobs.WorkerHeard) {
	weight := maxRenewals
	for _, id := range slices.Sorted(maps.Keys(r.workers)) {
		w := r.workers[id]
		if weight += 1 + len(w.Unnamed); weight > maxRenewals {
			runs, weight = append(runs, nil), 1+len(w.Unnamed)
		}
		runs[len(runs)-1] = append(runs[len(runs)-1], w)
	}
	return runs
}

// lessor writes down which leases live on, and ends the others. It belongs to one
// goroutine.
type lessor struct {
	desk  *Desk
	swept time.Time // when it last looked for leases that ended
	asOf  jobs.Time // the same, by the replica's clock
}

func newLessor(d *Desk) *lessor {
	d.mu.Lock()
	defer d.mu.Unlock()
	return &lessor{desk: d, asOf: d.opened}
}

// look writes down which workers were heard of, and voids the leases of the others.
func (l *lessor) look(ctx context.Context) {
	l.renew(ctx)
	if time.Since(l.swept) < sweepEvery {
		return
	}
	l.swept = time.Now()
	d := l.desk
	now, before := d.replica.Now(), l.asOf
	if l.asOf = now; before.Add(jobs.Standstill) <= now {
		d.hearAgain()
		d.tryTo(ctx, "renew leases after a standstill", jobs.Command{Renew: renewAll(now)})
		return
	}
	expired := false
	d.replica.View(func(s *jobs.State) { expired = s.AnyExpired(now) })
	if expired {
		d.tryTo(ctx, "expire leases", jobs.Command{Expire: &jobs.ExpireLeases{}})
	}
}

// renew writes down the leases heard of, in commands that are not too long.
func (l *lessor) renew(ctx context.Context) {
	r, due := l.desk.takeRenewals()
	if !due {
		return
	}
	heard, gone := r.heard, r.gone
	for _, run := range r.byWorker() {
		l.desk.tryTo(ctx, "renew what workers hold", jobs.Command{Renew: &jobs.RenewLeases{Workers: run, Expires: l.desk.replica.Now().Add(jobs.LeaseDuration)}})
	}
	for ids := range slices.Chunk(gone, maxRenewals) {
		l.desk.tryTo(ctx, "note what workers came back without", jobs.Command{Renew: &jobs.RenewLeases{Gone: ids}})
	}
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(heard)), maxRenewals) {
		c := jobs.RenewLeases{Expires: l.desk.replica.Now().Add(jobs.LeaseDuration)}
		for _, id := range ids {
			if heard[id] {
				c.Paused = append(c.Paused, id)
			} else {
				c.Leases = append(c.Leases, id)
			}
		}
		l.desk.tryTo(ctx, "renew leases", jobs.Command{Renew: &c})
	}
}

// takeRenewals are what was heard of since the last time, when it is time to write it down
// again.
func (d *Desk) takeRenewals() (r renewals, due bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.renewals.written) < jobs.RenewEvery {
		return renewals{}, false
	}
	r, d.renewals = d.renewals, newRenewals()
	return r, true
}

// renewAll puts off the end of all leases, where nobody could be heard of.
func renewAll(now jobs.Time) *jobs.RenewLeases {
	return &jobs.RenewLeases{All: true, Expires: now.Add(jobs.LeaseDuration)}
}

// hearAgain gives all workers time to be heard.
func (d *Desk) hearAgain() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began = time.Now()
}

// early says whether workers may be alive that could not be heard of yet.
func (d *Desk) early() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.began) < jobs.LeaseDuration
}
