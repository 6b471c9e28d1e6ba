package desk

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// ErrNoLeader: no coordinator leads at the moment, or this one ceased to.
var ErrNoLeader = errors.New("the coordinators have no leader at the moment")

// coalesce is how long the desk waits after something came in, so that what comes in at
// about the same time goes into one log entry.
const coalesce = 3 * time.Millisecond

// restFactor is for how many times as long as a plan took that gave nothing none is made.
const restFactor = 5

// Config is what a desk works with.
type Config struct {
	Replica *replica.Replica
	// Probe asks a peer for a piece of a blob, and fails unless it gets it.
	Probe func(context.Context, blob.ID, swarm.Provider) error
	// Ready is below which place the tasks of a job can be run, since a coordinator
	// has what they read; nil: all of them can. s is the state as it is now.
	Ready  func(s *jobs.State, id jobs.JobID) jobs.Place
	Logger *slog.Logger
}

// Desk is where the leader meets the workers. It holds what is not worth a log
// entry (which workers offer, when each was heard of, which blobs it has), collects what
// comes in, and turns it into few large commands. All of it may be lost: a new
// leader starts with an empty desk.
type Desk struct {
	replica *replica.Replica
	ready   func(*jobs.State, jobs.JobID) jobs.Place
	logger  *slog.Logger
	offered chan struct{} // news for the loop that grants
	prober  *prober

	// mu guards all below. What one loop alone uses is in its own type: see lessor and
	// granter.
	mu       sync.Mutex
	leading  bool
	opened   jobs.Time // by the replica's clock
	began    time.Time // to hear of workers: when the term began, or after a standstill
	offers   map[jobs.NodeID]*offer
	workers  map[jobs.NodeID]*worker
	left     map[jobs.NodeID]bool // those that said that they stop
	reports  inbox[jobs.Report]
	confirms inbox[jobs.ConfirmHeld]
	renewals renewals
	returned map[reading]*returns
	declined map[reading]time.Time // since when
	tracker  *tracker
	crew     crew
}

// New makes a desk that is closed.
func New(cfg Config) *Desk {
	d := &Desk{replica: cfg.Replica, ready: cfg.Ready, logger: cfg.Logger, prober: newProber(cfg.Probe), offered: newNews()}
	d.reports.news, d.confirms.news = newNews(), newNews()
	d.clear()
	return d
}

func (d *Desk) clear() {
	d.offers, d.workers, d.left = map[jobs.NodeID]*offer{}, map[jobs.NodeID]*worker{}, map[jobs.NodeID]bool{}
	d.reports.list, d.confirms.list = nil, nil
	d.renewals = newRenewals()
	d.crew = crew{}
	d.returned, d.declined = map[reading]*returns{}, map[reading]time.Time{}
	d.tracker = newTracker()
}

// newNews makes a channel that holds one piece of news, and wake puts it there.
func newNews() chan struct{} { return make(chan struct{}, 1) }

func wake(news chan<- struct{}) {
	select {
	case news <- struct{}{}:
	default:
	}
}

// Open starts serving as the leader, once all of the former leaders' entries
// are applied. The leases of their workers live on: nobody has been heard of
// yet.
func (d *Desk) Open(ctx context.Context) error {
	now := d.replica.Now()
	if _, err := d.replica.Propose(ctx, jobs.Command{At: now, Renew: renewAll(now)}); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.clear()
	d.leading, d.opened, d.began = true, now, time.Now()
	return nil
}

// Close sends all that wait to the next leader.
func (d *Desk) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.leading {
		return
	}
	d.leading = false
	for _, o := range d.offers {
		close(o.granted)
	}
	d.reports.refuse(ErrNoLeader)
	d.confirms.refuse(ErrNoLeader)
	d.clear()
}

// Leading says whether this coordinator leads and its desk is open.
func (d *Desk) Leading() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leading
}

// Run is the leader's work, until ctx ends: four loops that do not wait for
// each other's commits. A plan may so be made on a state that is about to
// change; Apply checks every grant again.
func (d *Desk) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { d.loop(ctx, d.reports.news, d.commitReports) })
	loops.Go(func() { d.loop(ctx, d.confirms.news, d.commitConfirms) })
	loops.Go(func() { d.loopLeases(ctx) })
	loops.Go(func() { d.loopProbes(ctx) })
	loops.Wait()
}

// loop commits what has come in, again and again.
func (d *Desk) loop(ctx context.Context, news <-chan struct{}, commit func(context.Context)) {
	for {
		select {
		case <-news:
		case <-ctx.Done():
			return
		}
		time.Sleep(coalesce)
		commit(ctx)
	}
}

// loopLeases ends leases and grants others. It also looks when the state has changed,
// since a job may have come, and at least four times a second, since leases may have
// ended.
func (d *Desk) loopLeases(ctx context.Context) {
	lessor, granter := newLessor(d), newGranter(d)
	idle := time.NewTicker(sweepEvery)
	defer idle.Stop()
	changed := d.replica.Changed()
	for {
		select {
		case <-d.offered:
		case <-changed:
		case <-idle.C:
		case <-ctx.Done():
			return
		}
		time.Sleep(coalesce)
		changed = d.replica.Changed()
		lessor.look(ctx)
		began := time.Now()
		if !granter.look(ctx) { // a plan that gives nothing to thousands takes its time
			time.Sleep(min(restFactor*time.Since(began), sweepEvery))
		}
	}
}

// LookAgain has the desk see whether there is work for those who offer.
func (d *Desk) LookAgain() { wake(d.offered) }

// Propose replicates a command within the term that ctx stands for.
func (d *Desk) Propose(ctx context.Context, c jobs.Command) (jobs.Outcome, error) {
	c.At = d.replica.Now()
	out, err := d.replica.Propose(ctx, c)
	if err != nil && ctx.Err() != nil { // nobody cancelled but the term's end
		err = ErrNoLeader
	}
	return out, err
}

// tryTo proposes a command whose failure is made good by the next look.
func (d *Desk) tryTo(ctx context.Context, what string, c jobs.Command) {
	if _, err := d.Propose(ctx, c); err != nil {
		d.logger.Warn("failed to "+what, "error", err)
	}
}
