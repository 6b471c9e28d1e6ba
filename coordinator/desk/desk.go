package desk

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"log/slog"
	"maps"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/coordinator/rpc"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// offerWait is for how long an offer waits for work before the worker is
	// told to ask again.
	offerWait = 8 * time.Second
	// coalesce is how long the desk waits after something came in, so that
	// what comes in at about the same time goes into one log entry.
	coalesce = 3 * time.Millisecond
	// sweepEvery is how often the desk looks for leases that have ended.
	sweepEvery = 250 * time.Millisecond
	// maxReports bounds the reports of one log entry, and maxRenewals the
	// leases: both stay well below replica.MaxCommand.
	maxReports  = 600
	maxRenewals = 20_000
)

// Desk is where the leader meets the workers. It holds what is not worth a log
// entry (who offers, who was heard of when, who has which blobs), collects what
// comes in, and turns it into few large commands. All of it may be lost: a new
// leader starts with an empty desk.
type Desk struct {
	replica *replica.Replica
	logger  *slog.Logger
	// News for the three loops of Run.
	offered, reported, confirmed chan struct{}

	mu       sync.Mutex
	leading  bool
	began    time.Time // to hear of workers: at the beginning of the term, or after a standstill
	offers   map[jobs.NodeID]*offer
	workers  map[jobs.NodeID]*worker
	reports  []*delivery[jobs.Report]
	confirms []*delivery[jobs.ConfirmHeld]
	renewals map[jobs.LeaseID]bool // whether the worker stands
	renewed  time.Time
	// loopGrants' own: when it last looked for leases that ended and for jobs
	// that are stuck, and since when which are.
	swept, conceded time.Time
	asOf            jobs.Time // when it looked last by the replica's clock
	stuck           map[jobs.JobID]time.Time
	near            *placement.Nearness
	tracker         *tracker
	introducer      *introducer
	prober          *prober
}

// offer is a worker waiting for work.
type offer struct {
	capacity int
	grants   chan []jobs.LeaseID // one answer, or closed: ask again
}

// worker is what a worker's heartbeats say.
type worker struct {
	heard   time.Time
	address string
	slots   int
	paused  bool
	fuel    map[jobs.LeaseID]uint64 // of the leases that it holds
	since   time.Time               // when it was first heard to be paused, or not to be
}

// delivery is something handed in, and where to say that it is committed.
type delivery[T any] struct {
	items []T
	done  chan error
}

// Config is what a desk works with.
type Config struct {
	Replica *replica.Replica
	// Probe asks a peer for a piece of a blob, and fails unless it gets it.
	Probe  func(context.Context, blob.ID, swarm.Provider) error
	Logger *slog.Logger
}

// New makes a desk that is closed.
func New(cfg Config) *Desk {
	news := func() chan struct{} { return make(chan struct{}, 1) }
	d := &Desk{replica: cfg.Replica, logger: cfg.Logger, prober: newProber(cfg.Probe), offered: news(), reported: news(), confirmed: news()}
	d.clear()
	return d
}

func (d *Desk) clear() {
	d.offers, d.workers = map[jobs.NodeID]*offer{}, map[jobs.NodeID]*worker{}
	d.reports, d.confirms = nil, nil
	d.renewals = map[jobs.LeaseID]bool{}
	d.tracker, d.introducer = newTracker(), newIntroducer()
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
	d.leading, d.renewed, d.began, d.asOf = true, time.Now(), time.Now(), now
	return nil
}

// renewAll puts off the end of all leases, where nobody could be heard of.
func renewAll(now jobs.Time) *jobs.RenewLeases {
	return &jobs.RenewLeases{All: true, Expires: now.Add(jobs.LeaseDuration)}
}

// Close sends everybody who waits to the next leader.
func (d *Desk) Close() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.leading {
		return
	}
	d.leading = false
	for _, o := range d.offers {
		close(o.grants)
	}
	for _, r := range d.reports {
		r.done <- rpc.ErrNoLeader
	}
	for _, c := range d.confirms {
		c.done <- rpc.ErrNoLeader
	}
	d.clear()
}

// Leading implements rpc.Desk.
func (d *Desk) Leading() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.leading
}

// Offer implements rpc.Desk. A worker has one offer; a new one replaces it.
func (d *Desk) Offer(ctx context.Context, id jobs.NodeID, capacity int) ([]jobs.LeaseID, error) {
	o := &offer{capacity: capacity, grants: make(chan []jobs.LeaseID, 1)}
	if !d.register(id, o) {
		return nil, rpc.ErrNoLeader
	}
	defer d.withdraw(id, o)
	ctx, cancel := context.WithTimeout(ctx, offerWait)
	defer cancel()
	select {
	case ids, ok := <-o.grants:
		return answer(ids, ok)
	case <-ctx.Done():
	}
	d.withdraw(id, o)
	select {
	case ids, ok := <-o.grants: // granted at the last moment
		return answer(ids, ok)
	default:
		return nil, nil
	}
}

func answer(ids []jobs.LeaseID, ok bool) ([]jobs.LeaseID, error) {
	if !ok {
		return nil, rpc.ErrNoLeader
	}
	return ids, nil
}

func (d *Desk) register(id jobs.NodeID, o *offer) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if !d.leading {
		return false
	}
	if old := d.offers[id]; old != nil {
		old.grants <- nil
	}
	d.offers[id] = o
	d.hear(id)
	wake(d.offered)
	return true
}

func (d *Desk) withdraw(id jobs.NodeID, o *offer) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.offers[id] == o {
		delete(d.offers, id)
	}
}

func (d *Desk) hear(id jobs.NodeID) *worker {
	w := d.workers[id]
	if w == nil {
		w = &worker{}
		d.workers[id] = w
	}
	w.heard = time.Now()
	return w
}

func wake(news chan<- struct{}) {
	select {
	case news <- struct{}{}:
	default:
	}
}

// Report implements rpc.Desk. It returns when the reports are committed.
func (d *Desk) Report(ctx context.Context, reports []jobs.Report) error {
	return handIn(ctx, d, &d.reports, d.reported, reports)
}

// Confirm implements rpc.Desk.
func (d *Desk) Confirm(ctx context.Context, c jobs.ConfirmHeld) error {
	return handIn(ctx, d, &d.confirms, d.confirmed, []jobs.ConfirmHeld{c})
}

// handIn queues items for the loop that waits for this news, and returns when
// they are committed.
func handIn[T any](ctx context.Context, d *Desk, queue *[]*delivery[T], news chan<- struct{}, items []T) error {
	r := &delivery[T]{items, make(chan error, 1)}
	d.mu.Lock()
	if !d.leading {
		d.mu.Unlock()
		return rpc.ErrNoLeader
	}
	*queue = append(*queue, r)
	d.mu.Unlock()
	wake(news)
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Heartbeat implements rpc.Desk.
func (d *Desk) Heartbeat(id jobs.NodeID, beat rpc.Beat) ([]jobs.LeaseID, error) {
	d.mu.Lock()
	if !d.leading {
		d.mu.Unlock()
		return nil, rpc.ErrNoLeader
	}
	w := d.hear(id)
	w.note(beat)
	still := w.stands()
	d.tracker.announce(id, beat.Blobs)
	d.mu.Unlock()

	void, alive := d.sift(id, beat.Leases)
	d.mu.Lock()
	defer d.mu.Unlock()
	w.fuel = make(map[jobs.LeaseID]uint64, len(alive)) // anew, since Fuel reads the old one
	for _, l := range alive {
		d.renewals[l] = still
		w.fuel[l] = beat.Fuel[l]
	}
	return void, nil
}

func (w *worker) note(beat rpc.Beat) {
	if w.since.IsZero() || w.paused != beat.Paused {
		w.since = time.Now()
	}
	w.address, w.slots, w.paused = beat.Address, beat.Slots, beat.Paused
}

// pausePatience is for how long a worker may be paused until others are asked for
// what it runs: most pauses are over by then.
const pausePatience = 30 * time.Second

// stands says whether a worker has been paused for long.
func (w *worker) stands() bool { return w.paused && time.Since(w.since) >= pausePatience }

// sift tells the leases that a worker holds from those it thinks it holds.
func (d *Desk) sift(id jobs.NodeID, leases []jobs.LeaseID) (void, alive []jobs.LeaseID) {
	d.replica.View(func(s *jobs.State) {
		for _, l := range leases {
			if _, holder, ok := s.Lease(l); ok && holder == id {
				alive = append(alive, l)
			} else {
				void = append(void, l)
			}
		}
	})
	return void, alive
}

// Slots implements rpc.Desk.
func (d *Desk) Slots(id jobs.NodeID) (slots int, paused bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if w := d.workers[id]; w != nil {
		return w.slots, w.paused
	}
	return 0, false
}

// Fuel implements rpc.Desk.
func (d *Desk) Fuel(job jobs.JobID) map[jobs.LeaseID]uint64 {
	d.mu.Lock()
	said := map[jobs.NodeID]map[jobs.LeaseID]uint64{}
	for id, w := range d.workers {
		said[id] = w.fuel // which nobody changes
	}
	d.mu.Unlock()
	list := map[jobs.LeaseID]uint64{}
	d.replica.View(func(s *jobs.State) {
		for id, fuel := range said {
			for lease, n := range fuel {
				if p, holder, ok := s.Lease(lease); n > 0 && ok && holder == id && p.Job == job {
					list[lease] = n
				}
			}
		}
	})
	return list
}

// Run is the leader's work, until ctx ends: four loops that do not wait for
// each other's commits. A plan may so be made on a state that is about to
// change; Apply checks every grant again.
func (d *Desk) Run(ctx context.Context) {
	var loops sync.WaitGroup
	loops.Go(func() { d.loop(ctx, d.reported, d.commitReports) })
	loops.Go(func() { d.loop(ctx, d.confirmed, d.commitConfirms) })
	loops.Go(func() { d.loopGrants(ctx) })
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

// loopGrants also looks when the state has changed, since a job may have come,
// and at least four times a second, since leases may have ended.
func (d *Desk) loopGrants(ctx context.Context) {
	d.stuck, d.near = nil, placement.NewNearness()
	idle := time.NewTicker(250 * time.Millisecond)
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
		d.commitLeases(ctx)
		d.commitGrants(ctx)
	}
}

// Propose replicates a command within the term that ctx stands for.
func (d *Desk) Propose(ctx context.Context, c jobs.Command) (jobs.Outcome, error) {
	c.At = d.replica.Now()
	out, err := d.replica.Propose(ctx, c)
	if err != nil && ctx.Err() != nil { // nobody cancelled but the term's end
		err = rpc.ErrNoLeader
	}
	return out, err
}

func (d *Desk) commitReports(ctx context.Context) {
	d.mu.Lock()
	deliveries := d.reports
	d.reports = nil
	d.mu.Unlock()
	for _, batch := range batches(deliveries, maxReports) {
		var c jobs.ReportAttempts
		for _, r := range batch {
			c.Reports = append(c.Reports, r.items...)
		}
		_, err := d.Propose(ctx, jobs.Command{Report: &c})
		for _, r := range batch {
			r.done <- err
		}
	}
}

// batches groups deliveries so that each group has at most limit items, or
// one delivery.
func batches[T any](all []*delivery[T], limit int) [][]*delivery[T] {
	var groups [][]*delivery[T]
	size := 0
	for _, r := range all {
		if len(groups) == 0 || size+len(r.items) > limit {
			groups = append(groups, nil)
			size = 0
		}
		groups[len(groups)-1] = append(groups[len(groups)-1], r)
		size += len(r.items)
	}
	return groups
}

func (d *Desk) commitConfirms(ctx context.Context) {
	d.mu.Lock()
	deliveries := d.confirms
	d.confirms = nil
	d.mu.Unlock()
	var all sync.WaitGroup
	for _, r := range deliveries {
		all.Go(func() {
			_, err := d.Propose(ctx, jobs.Command{Confirm: &r.items[0]})
			r.done <- err
		})
	}
	all.Wait()
}

// commitLeases writes down who was heard of, and voids the leases of those
// who were not.
func (d *Desk) commitLeases(ctx context.Context) {
	renewals := d.takeRenewals()
	for ids := range slices.Chunk(slices.Sorted(maps.Keys(renewals)), maxRenewals) {
		c := jobs.RenewLeases{Expires: d.replica.Now().Add(jobs.LeaseDuration)}
		for _, id := range ids {
			if renewals[id] {
				c.Paused = append(c.Paused, id)
			} else {
				c.Leases = append(c.Leases, id)
			}
		}
		d.log("renew leases", second(d.Propose(ctx, jobs.Command{Renew: &c})))
	}
	if time.Since(d.swept) < sweepEvery {
		return
	}
	d.swept = time.Now()
	now, expired := d.replica.Now(), false
	before := d.asOf
	if d.asOf = now; before.Add(jobs.Standstill) <= now {
		d.beginAnew()
		d.log("renew leases after a standstill", second(d.Propose(ctx, jobs.Command{Renew: renewAll(now)})))
		return
	}
	d.replica.View(func(s *jobs.State) { expired = s.AnyExpired(now) })
	if expired {
		d.log("expire leases", second(d.Propose(ctx, jobs.Command{Expire: &jobs.ExpireLeases{}})))
	}
}

// beginAnew gives all workers time to be heard.
func (d *Desk) beginAnew() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.began = time.Now()
}

// early says whether workers may be alive who could not be heard of yet.
func (d *Desk) early() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return time.Since(d.began) < jobs.LeaseDuration
}

// takeRenewals are the leases heard of since the last time, when it is time to
// write them down again.
func (d *Desk) takeRenewals() map[jobs.LeaseID]bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if time.Since(d.renewed) < jobs.RenewEvery {
		return nil
	}
	d.renewed = time.Now()
	taken := d.renewals
	d.renewals = map[jobs.LeaseID]bool{}
	return taken
}

func second(_ jobs.Outcome, err error) error { return err }

func (d *Desk) log(what string, err error) {
	if err != nil {
		d.logger.Warn(what, "error", err)
	}
}

func (d *Desk) commitGrants(ctx context.Context) {
	request := placement.Request{Offers: d.openOffers(), Live: d.live(), Early: d.early(), NewLease: newLease, Draw: mathrand.IntN, Near: d.near}
	if len(request.Offers) == 0 {
		return
	}
	if request.Early {
		d.stuck = nil
	} else {
		d.concede(ctx, request.Live)
	}
	var grants []jobs.Grant
	d.replica.View(func(s *jobs.State) {
		request.State = s
		grants = placement.Plan(request)
	})
	if len(grants) == 0 {
		return
	}
	c := jobs.GrantLeases{Grants: grants, Expires: d.replica.Now().Add(jobs.LeaseDuration)}
	out, err := d.Propose(ctx, jobs.Command{Grant: &c})
	if err != nil {
		d.log("grant leases", err)
		return
	}
	granted := only(grants, out.Granted)
	d.replica.View(func(s *jobs.State) {
		for _, g := range granted {
			if j := s.Jobs[g.Job]; j != nil {
				d.near.Note(g.Worker, j, g.Place)
			}
		}
	})
	d.deliver(granted)
}

// only are the grants with these leases.
func only(grants []jobs.Grant, leases []jobs.LeaseID) []jobs.Grant {
	held := map[jobs.LeaseID]bool{}
	for _, id := range leases {
		held[id] = true
	}
	return slices.DeleteFunc(grants, func(g jobs.Grant) bool { return !held[g.Lease] })
}

// concedeAfter is for how long a job must have had nobody left to ask before it
// ends short of the certainty that was asked for: workers come back.
const concedeAfter = 10 * time.Second

// concede ends jobs that the live workers can bring no further.
func (d *Desk) concede(ctx context.Context, live []jobs.NodeID) {
	if time.Since(d.conceded) < sweepEvery {
		return
	}
	d.conceded = time.Now()
	stuck := map[jobs.JobID]time.Time{}
	d.replica.View(func(s *jobs.State) {
		for _, id := range s.Running() {
			if s.Exhausted(s.Jobs[id], live) {
				stuck[id] = time.Now()
			}
		}
	})
	for id := range stuck {
		if since, before := d.stuck[id]; before {
			stuck[id] = since
		}
	}
	d.stuck = stuck
	for id, since := range stuck {
		if time.Since(since) > concedeAfter {
			d.log("concede job", second(d.Propose(ctx, jobs.Command{Concede: &jobs.ConcedeJob{Job: id}})))
		}
	}
}

func (d *Desk) openOffers() []placement.Offer {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []placement.Offer
	for id, o := range d.offers { // in no order: nobody can count on being first
		list = append(list, placement.Offer{Worker: id, Capacity: o.capacity})
	}
	return list
}

// live are the workers heard of within a lease's duration.
func (d *Desk) live() []jobs.NodeID {
	d.mu.Lock()
	defer d.mu.Unlock()
	var list []jobs.NodeID
	for id, w := range d.workers {
		if time.Since(w.heard) < jobs.LeaseDuration {
			list = append(list, id)
		} else {
			delete(d.workers, id)
			d.tracker.forget(id)
		}
	}
	return list
}

func newLease() jobs.LeaseID {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return jobs.LeaseID(binary.LittleEndian.Uint64(b[:]))
}

// deliver answers the offers. Leases that nobody waits for any more expire.
func (d *Desk) deliver(granted []jobs.Grant) {
	leases := map[jobs.NodeID][]jobs.LeaseID{}
	for _, g := range granted {
		leases[g.Worker] = append(leases[g.Worker], g.Lease)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, ids := range leases {
		if o := d.offers[id]; o != nil {
			o.grants <- ids
			delete(d.offers, id)
		}
	}
}
