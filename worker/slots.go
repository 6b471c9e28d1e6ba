package worker

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/sandbox"
	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

func (w *Worker) startSlots() error {
	sealKey, err := w.base.Identity.Key.Derive("code cache")
	if err != nil {
		return fmt.Errorf("worker: %w", err)
	}
	for range w.cfg.Lent.Slots {
		s, err := sandbox.NewSlot(sandbox.Config{
			Command: w.cfg.SandboxCommand, CacheDir: filepath.Join(w.cfg.Dir, "compiled"), SealKey: sealKey,
			Readable: []string{w.base.Store.Dir()}, Logger: w.cfg.Logger,
		})
		if err != nil {
			return err
		}
		w.slots, w.runners = append(w.slots, s), append(w.runners, s)
	}
	return nil
}

// Walls tells which walls stand around the guests that will run here. All slots
// have the same; a worker without slots has none.
func (w *Worker) Walls(ctx context.Context) (walls.State, error) {
	if len(w.slots) == 0 {
		return walls.State{}, nil
	}
	return w.slots[0].Walls(ctx)
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
	give, err := w.memory.take(w.leases.waiting(a.Lease.GetId()), a)
	if large := (tooLarge{}); errors.As(err, &large) {
		w.decline(a.Lease, err)
	}
	if err != nil {
		return
	}
	defer give()
	ctx := w.leases.start(a.Lease.GetId())
	if ctx == nil {
		return
	}
	began := time.Now()
	w.running.begin(slot, a.Lease, began)
	defer w.running.end(slot)
	a.FuelUsed = func(fuel uint64) { w.leases.usedFuel(a.Lease.GetId(), fuel) }
	report := w.executor.Run(ctx, watched{w.runners[slot], bundleOf(a.Lease), &w.badBundles}, a)
	if report == nil {
		return
	}
	if report.GetStatus() == anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST {
		w.prefetch.failed()
	} else if w.pauses.quietSince(began) {
		w.prefetch.took(time.Since(began))
	}
	w.cfg.Logger.Debug("ran", "job", a.Lease.GetJobId(), "task", a.Lease.GetTask(), "took", time.Since(began), "guest", report.GetElapsed().AsDuration())
	w.tally.add(report.GetFuel(), time.Now())
	w.ran.count(report)
	w.reports.add(report)
}
