package worker

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// shortLease is how long leases are taken to live without a heartbeat until a
// coordinator has said.
const shortLease = 3 * time.Second

// leaveTime is how long a worker that stops tries to say so.
const leaveTime = 2 * time.Second

// heartbeats keeps the leases alive and stops attempts whose lease is void.
func (w *Worker) heartbeats(ctx context.Context) {
	for ctx.Err() == nil {
		began := time.Now()
		w.noteAnswer(ctx, w.heartbeat(ctx))
		sleep(ctx, time.Until(began.Add(jobs.HeartbeatEvery(w.leaseTime))))
	}
}

// noteAnswer tells the donor when no coordinator has answered for some time, and when one
// does again. Tasks run on meanwhile, and their results are kept.
func (w *Worker) noteAnswer(ctx context.Context, err error) {
	switch {
	case ctx.Err() != nil:
	case err == nil:
		if w.silence.Answered() {
			w.cfg.Logger.Info("a coordinator answers again")
		}
	default:
		w.cfg.Logger.Debug("failed to send a heartbeat", "error", err)
		if tell, long := w.silence.Unanswered(time.Now(), problem.FromStatus(err)); tell {
			w.cfg.Logger.Warn("no coordinator answers: what runs goes on, and waits to be handed in",
				"for", long.Round(time.Second), "tried", w.conn.Known(), "error", problem.FromStatus(err))
		}
	}
}

func (w *Worker) heartbeat(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, w.leaseTime/2)
	defer cancel()
	leases, fuel := w.leases.beat()
	resp, err := w.work.Heartbeat(ctx, &anthillv1.HeartbeatRequest{
		Leases: leases, Fuel: fuel, Address: w.base.Address, Slots: uint32(len(w.slots)), Blobs: w.shared.list(),
		Paused: w.pauses.any(), Terms: w.terms(),
	})
	if err != nil {
		return err
	}
	if d := resp.GetLeaseDuration().AsDuration(); d > 0 {
		w.leaseTime = d
	}
	w.rules.Store(resp.GetRules())
	w.denying.told.Store(resp.GetDenyRevision())
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

// leave tells the grid that this worker stops, so that nobody waits for it to be
// silent. Where no coordinator answers, its silence has to do.
func (w *Worker) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	if _, err := w.work.Heartbeat(ctx, &anthillv1.HeartbeatRequest{Address: w.base.Address, Leaving: true}); err != nil {
		w.cfg.Logger.Debug("failed to say that this worker leaves", "error", err)
	}
}
