package worker

import (
	"context"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
)

// offers asks for leases whenever there is room, and starts to prepare them.
func (w *Worker) offers(ctx context.Context) {
	for ctx.Err() == nil {
		sleep(ctx, w.prefetch.rest())
		w.pauses.wait(ctx)
		if w.wishes.drains() {
			sleep(ctx, 100*time.Millisecond)
			continue
		}
		room := len(w.slots) + w.prefetch.ahead(len(w.slots)) - w.leases.count() + w.reports.count()
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
			if err := w.refuses(lease); err != nil {
				w.leases.add(ctx, lease)
				w.decline(lease, err)
				continue
			}
			leaseCtx := w.leases.add(ctx, lease)
			w.shared.add(lease.GetSpec())
			w.keepGrants(lease)
			w.preparing.Go(func() { w.prepare(leaseCtx, lease) })
		}
		if w.pauses.any() {
			w.giveUp() // it was paused while the offer was on its way
		}
		if w.wishes.drains() {
			w.giveBackForDrain()
		}
	}
}

// offerFailed waits before the next offer: longest where the grid does not want
// this worker, because its owner is banned.
func (w *Worker) offerFailed(ctx context.Context, err error) {
	if permanent(err) {
		w.cfg.Logger.Warn("failed to offer slots: the grid refuses this worker", "error", err)
		sleep(ctx, maxBackoff)
		return
	}
	w.cfg.Logger.Debug("failed to offer slots", "error", err)
	sleep(ctx, 100*time.Millisecond)
}

// permanent says that a call is not worth repeating: the answer stays the same.
func permanent(err error) bool {
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
	return w.work.Offer(ctx, &anthillv1.OfferRequest{Capacity: uint32(room), Metering: jobs.Metering, Terms: w.terms()})
}

// prepare fetches what an attempt needs and hands it to the slots.
func (w *Worker) prepare(ctx context.Context, lease *anthillv1.Lease) {
	began := time.Now()
	a, err := w.equip(ctx, lease)
	if ctx.Err() != nil && err != nil {
		return
	}
	if denied := w.deniedIn(lease); err != nil && denied != nil {
		w.decline(lease, denied) // since it came
		return
	}
	if err != nil {
		w.cfg.Logger.Warn("failed to prepare attempt", "job", lease.GetJobId(), "task", lease.GetTask(), "error", err)
		w.prefetch.failed()
		w.reports.add(executor.Unready(lease, err))
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
	if err := w.badBundles.shun(bundleOf(lease), time.Now()); err != nil {
		return nil, err
	}
	return w.executor.Prepare(ctx, lease)
}
