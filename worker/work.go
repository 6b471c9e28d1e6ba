package worker

import (
	"context"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
)

const (
	// shortLease is how long leases are taken to live without a heartbeat until a
	// coordinator has said.
	shortLease = 3 * time.Second
	// keptOutputs is how many small outputs stay on disk after they were
	// handed in.
	keptOutputs = 4096
	// maxBackoff bounds how long the worker rests after attempts that it
	// could not even start.
	maxBackoff = 15 * time.Second
)

// offers asks for leases whenever there is room, and starts to prepare them.
func (w *Worker) offers(ctx context.Context) {
	for ctx.Err() == nil {
		sleep(ctx, w.pace.rest())
		w.pauses.wait(ctx)
		room := len(w.slots) + w.pace.ahead(len(w.slots)) - w.leases.count() + w.reports.count()
		if room <= 0 {
			sleep(ctx, 5*time.Millisecond)
			continue
		}
		resp, err := w.offer(ctx, room)
		if err != nil && w.pauses.any() {
			continue
		}
		if err != nil {
			w.offerFailed(ctx, err)
			continue
		}
		for _, lease := range resp.GetLeases() {
			leaseCtx := w.leases.add(ctx, lease)
			w.shelf.add(lease.GetSpec())
			w.preparing.Go(func() { w.prepare(leaseCtx, lease) })
		}
		if w.pauses.any() {
			w.giveUp() // it was paused while the offer was on its way
		}
	}
}

// offerFailed waits before the next offer: for long where the grid does not
// want this worker, because his owner is banned.
func (w *Worker) offerFailed(ctx context.Context, err error) {
	if refused(err) {
		w.cfg.Logger.Warn("the grid refuses this worker", "error", err)
		sleep(ctx, maxBackoff)
		return
	}
	w.cfg.Logger.Debug("offer", "error", err)
	sleep(ctx, 100*time.Millisecond)
}

// refused says that a call is not worth repeating: the answer stays the same.
func refused(err error) bool {
	switch status.Code(err) {
	case codes.InvalidArgument, codes.PermissionDenied, codes.Unauthenticated:
		return true
	}
	return false
}

// offer gives up soon where a coordinator hangs: the next call goes to another.
// A pause withdraws it.
func (w *Worker) offer(ctx context.Context, room int) (*anthillv1.OfferResponse, error) {
	ctx, cancel := context.WithTimeout(ctx, 15*time.Second)
	defer cancel()
	defer context.AfterFunc(w.pauses.awake(), cancel)()
	return w.work.Offer(ctx, &anthillv1.OfferRequest{Capacity: uint32(room)})
}

// prepare fetches what an attempt needs and hands it to the slots.
func (w *Worker) prepare(ctx context.Context, lease *anthillv1.Lease) {
	began := time.Now()
	a, err := w.equip(ctx, lease)
	if ctx.Err() != nil && err != nil {
		return
	}
	if err != nil {
		w.cfg.Logger.Warn("prepare attempt", "job", lease.GetJobId(), "task", lease.GetTask(), "error", err)
		w.pace.failed()
		w.reports.add(executor.Lost(lease, err))
		return
	}
	w.cfg.Logger.Debug("prepared", "job", lease.GetJobId(), "task", lease.GetTask(), "took", time.Since(began))
	select {
	case w.ready <- a:
	case <-ctx.Done():
		w.executor.Release(a)
	}
}

// equip fetches what an attempt needs, unless its bundle is shunned.
func (w *Worker) equip(ctx context.Context, lease *anthillv1.Lease) (*executor.Attempt, error) {
	if err := w.faults.shun(bundleOf(lease), time.Now()); err != nil {
		return nil, err
	}
	return w.executor.Prepare(ctx, lease)
}

// runSlot runs attempts one after the other.
func (w *Worker) runSlot(ctx context.Context, slot int) {
	for {
		select {
		case a := <-w.ready:
			w.runAttempt(slot, a)
		case <-ctx.Done():
			return
		}
	}
}

func (w *Worker) runAttempt(slot int, a *executor.Attempt) {
	defer w.executor.Release(a)
	ctx := w.leases.start(a.Lease.GetId())
	if ctx == nil {
		return
	}
	began := time.Now()
	w.board.begin(slot, a.Lease, began)
	defer w.board.end(slot)
	a.Progress = func(fuel uint64) { w.leases.progressed(a.Lease.GetId(), fuel) }
	report := w.executor.Run(ctx, watched{w.runners[slot], bundleOf(a.Lease), &w.faults}, a)
	if report == nil {
		return
	}
	if report.GetStatus() == anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST {
		w.pace.failed()
	} else if w.pauses.quietSince(began) {
		w.pace.took(time.Since(began))
	}
	w.cfg.Logger.Debug("ran", "job", a.Lease.GetJobId(), "task", a.Lease.GetTask(), "took", time.Since(began), "guest", report.GetElapsed().AsDuration())
	w.reports.add(report)
}

// deliver hands reports in until the outbox is closed and empty. A call that
// fails is repeated: a lease counts once.
func (w *Worker) deliver(ctx context.Context) {
	for {
		batch, ok := w.reports.take(ctx)
		if !ok {
			return
		}
		var kept sync.WaitGroup
		kept.Go(func() { w.keep(batch) })
		for ctx.Err() == nil {
			err := w.report(ctx, batch)
			if err == nil {
				break
			}
			if refused(err) {
				w.cfg.Logger.Warn("report", "error", err)
				break
			}
			w.cfg.Logger.Debug("report", "error", err)
			sleep(ctx, 100*time.Millisecond)
		}
		w.reports.handedIn() // first: what counts neither here nor there is not asked for twice
		for _, r := range batch {
			w.leases.drop(r.GetLease())
		}
		kept.Wait()
	}
}

// keep stores the small outputs of a batch by one sync of the disk. The report
// carries them too; this copy is for a leader that dies before it has stored
// his, so that it is worth a try and no more.
func (w *Worker) keep(batch []*anthillv1.AttemptReport) {
	var outputs [][]byte
	for _, r := range batch {
		if r.GetData() != nil {
			outputs = append(outputs, r.GetData())
		}
	}
	if len(outputs) == 0 {
		return
	}
	refs, err := w.base.Store.PutMany(outputs)
	if err != nil {
		w.cfg.Logger.Warn("store outputs", "error", err)
		return
	}
	w.forgetOldest(refs)
}

// forgetOldest keeps the last keptOutputs small outputs: by then the others
// are on coordinators' disks, or the job is gone.
func (w *Worker) forgetOldest(refs []blob.Ref) {
	for _, r := range refs {
		w.kept = append(w.kept, r.ID)
	}
	for len(w.kept) > keptOutputs {
		old := w.kept[0]
		w.kept = w.kept[1:]
		if w.shelf.has(old) || slices.Contains(w.kept, old) {
			continue
		}
		if err := w.base.Store.Delete(old); err != nil {
			w.cfg.Logger.Debug("forget output", "error", err)
		}
	}
}

func (w *Worker) report(ctx context.Context, batch []*anthillv1.AttemptReport) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := w.work.Report(ctx, &anthillv1.ReportRequest{Reports: batch})
	return err
}

// heartbeats keeps the leases alive and stops attempts whose lease is void.
func (w *Worker) heartbeats(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		if err := w.heartbeat(ctx); err != nil {
			w.cfg.Logger.Debug("heartbeat", "error", err)
			w.lookAround()
		}
		sleep(ctx, time.Until(began.Add(jobs.HeartbeatEvery(w.leaseTime))))
	}
}

func (w *Worker) heartbeat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.leaseTime/2)
	defer cancel()
	leases, fuel := w.leases.beat()
	resp, err := w.work.Heartbeat(ctx, &anthillv1.HeartbeatRequest{
		Leases: leases, Fuel: fuel, Address: w.base.Address, Slots: uint32(len(w.slots)), Blobs: w.shelf.list(),
		Paused: w.pauses.any(),
	})
	if err != nil {
		return err
	}
	if d := resp.GetLeaseDuration().AsDuration(); d > 0 {
		w.leaseTime = d
	}
	for _, id := range resp.GetVoidLeases() {
		w.leases.drop(id)
	}
	var addresses []string
	for _, c := range resp.GetCoordinators() {
		addresses = append(addresses, c.GetAddress())
	}
	if w.conn.Learn(addresses) {
		w.base.Coordinators = w.conn.Known()
		return w.base.Save(w.cfg.Dir)
	}
	return nil
}

// lookAround also tries the coordinators that gossip knows of, for where none
// of those that this worker was told of answers: TLS tells who is one.
func (w *Worker) lookAround() {
	addresses := w.conn.Known()
	for _, m := range w.membership.Members() {
		if m.Role == jobs.Coordinator && m.Status == membership.Alive {
			addresses = append(addresses, m.Address)
		}
	}
	w.conn.Learn(addresses)
}

// mayRead says who may read a blob here: coordinators everything, others only
// what is on the shelf.
func (w *Worker) mayRead(ctx context.Context, id blob.ID) bool {
	peer, err := identity.FromContext(ctx)
	return err == nil && (peer.Role == jobs.Coordinator || w.shelf.has(id))
}

// owed says who gets a blob even when the month's volume is used up: coordinators,
// what is no input of a job, and so a result that this worker computed. Without it
// the work would be in vain.
func (w *Worker) owed(ctx context.Context, id blob.ID) bool {
	peer, err := identity.FromContext(ctx)
	return err == nil && peer.Role == jobs.Coordinator && !w.shelf.has(id)
}
