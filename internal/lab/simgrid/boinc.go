package simgrid

import (
	"context"
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// The policy "boinc" is a small model of BOINC's adaptive replication, for
// comparison only: production has no such mode, so it is not driven through
// jobs.State. The rule is that of https://github.com/BOINC/boinc/wiki/AdaptiveReplication:
// a host with N consecutive valid results of replicated tasks is trusted with
// probability 1-1/N if N is at least 10. What a trusted host says of a fresh task
// is accepted; a fresh task that goes to any other becomes replicated: two equal
// results accept it. Nobody is ever banned, and time passes in rounds in which
// each worker does one task (a slow one in each tenth).
//
// Replicated tasks go to the host that comes first: if the trusted got fresh ones
// instead, the untrusted would be left to confirm each other.

const (
	trustedAfter = 10 // consecutive valid results
	boincQuorum  = 2
	slowRounds   = 10
)

// boinc is the project's server.
type boinc struct {
	*crowd
	valid  []int // consecutive, by worker
	next   int
	queue  []*unit // replicated, in need of results
	wrong  int
	closed int
	out    Outcome
}

// unit is a replicated task.
type unit struct {
	task    jobs.Index
	hosts   []*worker // that reported
	results []blob.Ref
}

func playBOINC(ctx context.Context, cfg Config, seed uint64) (Outcome, error) {
	c := newCrowd(cfg, seed)
	b := &boinc{crowd: c, valid: make([]int, len(c.workers))}
	for round := 0; b.closed < cfg.Tasks; round++ {
		if err := ctx.Err(); err != nil {
			return Outcome{}, err
		}
		b.round(round)
	}
	b.out.Jobs, b.out.Tasks, b.out.Wrong, b.out.Liars = 1, cfg.Tasks, b.wrong, part(cfg.Workers, cfg.Liars)
	return b.out, nil
}

func (b *boinc) round(round int) {
	for _, i := range b.rand.Perm(len(b.workers)) {
		w := b.workers[i]
		if w.slow && (round+i)%slowRounds != 0 {
			continue
		}
		b.out.Virtual += minute / int64(len(b.workers))
		b.serve(w)
	}
}

// serve lets a worker do one task, if there is any for it.
func (b *boinc) serve(w *worker) {
	fresh := b.next < b.Tasks
	u := b.replicated(w)
	if u == nil && fresh && b.trusts(w) {
		b.single(w)
		return
	}
	if u == nil && fresh {
		u = &unit{task: jobs.Index(b.next)}
		b.next++
		b.queue = append(b.queue, u)
	}
	if u != nil {
		b.replicate(w, u)
	}
}

func (b *boinc) trusts(w *worker) bool {
	n := b.valid[w.number]
	return n >= trustedAfter && b.rand.Float64() > 1/float64(n)
}

// single has a task done by a trusted worker alone.
func (b *boinc) single(w *worker) {
	b.out.Started++
	if b.crashes() {
		return // the task stays fresh
	}
	task := jobs.Index(b.next)
	b.next++
	b.accept(task, b.answer(w, task, scene{}))
}

// replicated is a task that a worker has not seen and that needs results. It
// may be the only worker that is left.
func (b *boinc) replicated(w *worker) *unit {
	for _, u := range b.queue {
		if !slices.Contains(u.hosts, w) || b.next == b.Tasks && len(u.hosts) >= len(b.workers) {
			return u
		}
	}
	return nil
}

func (b *boinc) replicate(w *worker, u *unit) {
	b.out.Started++
	if b.crashes() {
		return
	}
	u.hosts, u.results = append(u.hosts, w), append(u.results, b.answer(w, u.task, scene{}))
	winner, ok := u.winner()
	if !ok {
		return
	}
	for i, host := range u.hosts {
		b.valid[host.number]++
		if u.results[i] != winner {
			b.valid[host.number] = 0
		}
	}
	b.queue = slices.DeleteFunc(b.queue, func(q *unit) bool { return q == u })
	b.accept(u.task, winner)
}

// winner is the result that enough hosts agree on.
func (u *unit) winner() (blob.Ref, bool) {
	last, equal := u.results[len(u.results)-1], 0
	for _, r := range u.results {
		if r == last {
			equal++
		}
	}
	return last, equal >= boincQuorum
}

func (b *boinc) accept(task jobs.Index, r blob.Ref) {
	b.closed++
	if r != result(task, right) {
		b.wrong++
	}
}
