package worker

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/control"
)

// shortLease is how long leases are taken to live without a heartbeat until a
// coordinator has said.
const shortLease = 3 * time.Second

// leaveTime is how long a worker that stops tries to say so.
const leaveTime = 2 * time.Second

// beat is what the worker says in its session, again and again: it keeps the leases.
func (w *Worker) beat() *anthillv1.HeartbeatRequest {
	if w.leaving.Load() {
		return &anthillv1.HeartbeatRequest{Address: w.base.Address, Leaving: true}
	}
	leases, fuel := w.leases.beat()
	return &anthillv1.HeartbeatRequest{
		Leases: leases, Fuel: fuel, Address: w.base.Address, Slots: uint32(len(w.slots)), Blobs: w.shared.list(),
		Paused: w.pauses.any(), Terms: w.terms(),
	}
}

// answered takes what the leader says to a beat, or why it says nothing. Attempts whose
// leases are void stop.
func (w *Worker) answered(resp *anthillv1.HeartbeatResponse, err error) {
	w.noteAnswer(err)
	if err != nil {
		return
	}
	if d := resp.GetLeaseDuration().AsDuration(); d > 0 {
		w.leaseTime = d
	}
	w.rules.Store(resp.GetRules())
	w.denying.told.Store(resp.GetDenyRevision())
	if e := resp.GetEarned(); e != nil {
		w.earned.Store(&control.Earned{Credit: e.GetCredit(), Fuel: e.GetFuel()})
	}
	for _, id := range resp.GetVoidLeases() {
		w.leases.drop(id)
	}
	var addresses []string // from a coordinator of a release that knows no sessions
	for _, c := range resp.GetCoordinators() {
		addresses = append(addresses, c.GetAddress())
	}
	w.learn(addresses)
}

// learn keeps where the coordinators are, for the next start as well.
func (w *Worker) learn(addresses []string) {
	if !w.conn.Learn(addresses) {
		return
	}
	w.base.Coordinators = w.conn.Known()
	if err := w.base.Save(w.cfg.Dir); err != nil {
		w.cfg.Logger.Warn("failed to save where the coordinators are", "error", err)
	}
}

// noteAnswer tells the donor when no coordinator has answered for some time, and when one
// does again. Tasks run on meanwhile, and their results are kept.
func (w *Worker) noteAnswer(err error) {
	switch {
	case err == nil:
		if w.silence.Answered() {
			w.cfg.Logger.Info("a coordinator answers again")
		}
	default:
		w.cfg.Logger.Debug("no leader has heard this worker", "error", err)
		if tell, long := w.silence.Unanswered(time.Now(), problem.FromStatus(err)); tell {
			w.cfg.Logger.Warn("no coordinator answers: what runs goes on, and waits to be handed in",
				"for", long.Round(time.Second), "tried", w.conn.Known(), "error", problem.FromStatus(err))
		}
	}
}

// leave tells the grid that this worker stops, so that nobody waits for it to be
// silent. Where no coordinator answers, its silence has to do.
func (w *Worker) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	w.leaving.Store(true)
	if err := w.session.Beat(ctx); err != nil {
		w.cfg.Logger.Debug("failed to say that this worker leaves", "error", err)
	}
}
