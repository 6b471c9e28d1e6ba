package simgrid

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// All in milliseconds. In production a lease lasts a tenth of this, and the
// leader acts within milliseconds; tasks of a minute do not feel it.
const (
	tick      = 5000 // what ends within one goes into one command
	leaseTime = 60_000
	beatEvery = leaseTime / 3
)

// play is a grid in which jobs are played, one after another.
type play struct {
	*crowd
	*grid
	offers []*worker // idle, in no order that anybody could count on
	live   []jobs.NodeID
	byNode map[jobs.NodeID]*worker
	beat   jobs.Time // when the workers are heard of next
	events uint64    // of the job, that were looked at for bans
	begun  jobs.Time // the job
	out    Outcome
}

// playJobs plays jobs, each from its submission until it is finished.
func playJobs(ctx context.Context, cfg Config, seed uint64) (Outcome, error) {
	g, err := newGrid(cfg, seed)
	if err != nil {
		return Outcome{}, err
	}
	p := &play{crowd: newCrowd(cfg, seed), grid: g, beat: g.now + beatEvery, byNode: map[jobs.NodeID]*worker{}}
	for _, w := range p.workers {
		if err := p.join(w); err != nil {
			return Outcome{}, err
		}
	}
	for number := range cfg.Jobs {
		if err := p.playJob(ctx, number); err != nil {
			return Outcome{}, err
		}
	}
	return p.out, nil
}

func (p *play) playJob(ctx context.Context, number int) error {
	if err := p.submit(p.Config, p.seed, number); err != nil {
		return err
	}
	p.begun, p.events = p.now, 0
	for _, w := range p.workers {
		w.lies = 0
		if !w.banned && w.attempt.lease != 0 { // at the last job's tasks, which nobody needs
			p.free(w)
		}
	}
	for p.job.State == jobs.JobRunning {
		if err := cmp.Or(ctx.Err(), p.step()); err != nil {
			return err
		}
	}
	return p.take()
}

func (p *play) join(w *worker) error {
	if w.liar {
		p.out.Liars++
	}
	checks := p.Earned
	if p.Adversary == Grown {
		checks = max(checks, grown)
	}
	if len(p.Owners) > p.Workers+2 { // a newcomer
		checks = 0
	}
	if err := p.admit(w, checks); err != nil {
		return err
	}
	p.byNode[w.node] = w
	p.offers, p.live = append(p.offers, w), append(p.live, w.node)
	return nil
}

// step does what a leader does within a tick, in the same order: reports,
// confirmations, leases, grants.
func (p *play) step() error {
	for _, act := range []func() error{p.place, p.advance, p.report, p.confirm, p.hear, p.seeBans} {
		if err := act(); err != nil || p.job.State != jobs.JobRunning {
			return err
		}
	}
	return nil
}

// place gives work to the idle.
func (p *play) place() error {
	if len(p.offers) == 0 {
		return nil
	}
	p.rand.Shuffle(len(p.offers), func(i, j int) { p.offers[i], p.offers[j] = p.offers[j], p.offers[i] })
	request := placement.Request{State: p.State, Now: p.now, Live: p.live, NewLease: p.newLease, Draw: p.rand.IntN}
	for _, w := range p.offers {
		request.Offers = append(request.Offers, placement.Offer{Worker: w.node, Capacity: 1})
	}
	if grants := placement.Plan(request); len(grants) > 0 {
		out := p.Apply(jobs.Command{At: p.now, Grant: &jobs.GrantLeases{Grants: grants, Expires: p.now + leaseTime}})
		p.deliver(grants, out.Granted)
	}
	return nil
}

// deliver tells the workers which of the planned grants hold.
func (p *play) deliver(grants []jobs.Grant, granted []jobs.LeaseID) {
	for _, g := range grants {
		if slices.Contains(granted, g.Lease) {
			p.begin(p.byNode[g.Worker], g)
		}
	}
	p.offers = slices.DeleteFunc(p.offers, func(w *worker) bool { return w.attempt.lease != 0 })
}

func (p *play) newLease() jobs.LeaseID { return jobs.LeaseID(p.rand.Uint64() | 1) }

func (p *play) begin(w *worker, g jobs.Grant) {
	w.attempt = attempt{
		lease: g.Lease, task: p.job.TaskAt(g.Place),
		ends: p.now + jobs.Time(p.lasts(w)), crashes: p.crashes(),
	}
}

// advance goes on to the end of the tick in which something happens next.
func (p *play) advance() error {
	next, busy := p.beat, false
	for _, w := range p.workers {
		if w.attempt.lease == 0 {
			continue
		}
		busy = true
		if !w.attempt.crashes {
			next = min(next, w.attempt.ends)
		}
	}
	if !busy {
		return p.concede()
	}
	p.now += (max(next-p.now, 1) + tick - 1) / tick * tick
	return nil
}

// concede ends a job for which nobody is left to ask.
func (p *play) concede() error {
	if err := p.apply(jobs.Command{Concede: &jobs.ConcedeJob{Job: p.id}}); err != nil {
		return fmt.Errorf("%d of %d tasks are accepted and nobody is left to ask: %w", p.job.Accepted(), p.job.Total(), err)
	}
	return nil
}

// report hands in what has come to an end, oldest first.
func (p *play) report() error {
	var done []*worker
	for _, w := range p.workers {
		if a := w.attempt; a.lease != 0 && !a.crashes && a.ends <= p.now {
			done = append(done, w)
		}
	}
	if len(done) == 0 {
		return nil
	}
	slices.SortStableFunc(done, func(a, b *worker) int { return cmp.Compare(a.attempt.ends, b.attempt.ends) })
	var c jobs.ReportAttempts
	for _, w := range done {
		c.Reports = append(c.Reports, p.reportOf(w))
		p.free(w)
	}
	return p.apply(jobs.Command{Report: &c})
}

// reportOf is what a worker hands in. Reports of one command are made at one time: nobody
// sees in another's whether he is to lie.
func (p *play) reportOf(w *worker) jobs.Report {
	r := jobs.Report{Lease: w.attempt.lease, Worker: w.node, Status: jobs.Succeeded}
	var s scene
	if w.liar {
		s = p.scene(w)
	}
	if r.Output = p.answer(w, w.attempt.task, s); p.Adversary == Killer && r.Output != result(w.attempt.task, right) {
		r.Status, r.Output, r.Reason = jobs.Killed, blob.Ref{}, "the time limit"
	}
	return r
}

// free makes a worker ask for work again.
func (p *play) free(w *worker) {
	w.attempt = attempt{}
	if !w.banned {
		p.offers = append(p.offers, w)
	}
}

// hear renews the leases of those who are at work, voids those of the crashed,
// and tells workers which leases they have lost.
func (p *play) hear() error {
	if p.now < p.beat {
		return nil
	}
	p.beat = p.now + beatEvery
	renew := jobs.RenewLeases{Expires: p.now + leaseTime}
	for _, w := range p.workers {
		if a := w.attempt; a.lease != 0 && !(a.crashes && a.ends <= p.now) {
			renew.Leases = append(renew.Leases, a.lease)
		}
	}
	if err := p.apply(jobs.Command{Renew: &renew}); err != nil {
		return err
	}
	if p.AnyExpired(p.now) {
		if err := p.apply(jobs.Command{Expire: &jobs.ExpireLeases{}}); err != nil {
			return err
		}
	}
	for _, w := range p.workers {
		if _, _, held := p.Lease(w.attempt.lease); w.attempt.lease != 0 && !held {
			p.free(w)
		}
	}
	return nil
}

// seeBans sends away who was banned since, and lets sybils return.
func (p *play) seeBans() error {
	if p.job.EventSeq == p.events {
		return nil
	}
	p.events = p.job.EventSeq
	for _, w := range p.workers {
		if w.banned || p.BannedNode(w.node) == "" {
			continue
		}
		p.dismiss(w)
		if w.liar && (p.Sybil || p.Adversary == HitAndRun) {
			if err := p.join(p.add(true)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (p *play) dismiss(w *worker) {
	w.banned = true
	w.attempt = attempt{}
	p.offers = slices.DeleteFunc(p.offers, func(o *worker) bool { return o == w })
	p.live = slices.DeleteFunc(p.live, func(id jobs.NodeID) bool { return id == w.node })
	if w.liar {
		p.out.LiarsBanned++
		p.out.LiesOfBanned += w.told
	} else {
		p.out.HonestBanned++
	}
}

// take adds what became of the job to the outcome.
func (p *play) take() error {
	j := p.job
	if j.State != jobs.JobSucceeded {
		return fmt.Errorf("the job has %v: %s", j.State, j.Reason)
	}
	if err := p.seeBans(); err != nil { // of the last tick
		return err
	}
	p.out.Tasks += j.Total()
	p.out.Wrong += p.wrong()
	p.out.Started += int(j.Attempts.Started)
	p.out.Virtual += int64(p.now - p.begun)
	p.out.Jobs++
	p.out.Bound += float64(j.Bound) / float64(jobs.One)
	if j.Short != "" {
		p.out.Short++
	}
	return nil
}
