package worker

import (
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/anthill-grid/anthill/internal/inside"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// statusNames are how attempts end, as labels.
var statusNames = map[anthillv1.AttemptStatus]string{
	anthillv1.AttemptStatus_ATTEMPT_STATUS_SUCCEEDED: "succeeded", anthillv1.AttemptStatus_ATTEMPT_STATUS_FAILED: "failed",
	anthillv1.AttemptStatus_ATTEMPT_STATUS_KILLED: "killed", anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST: "lost",
	anthillv1.AttemptStatus_ATTEMPT_STATUS_STARVED: "starved", anthillv1.AttemptStatus_ATTEMPT_STATUS_STOPPED: "stopped",
}

// ran counts what was run here since the worker started.
type ran struct {
	attempts [anthillv1.AttemptStatus_ATTEMPT_STATUS_STOPPED + 1]atomic.Uint64
	fuel     atomic.Uint64
}

func (r *ran) count(report *anthillv1.AttemptReport) {
	if s := int(report.GetStatus()); s < len(r.attempts) {
		r.attempts[s].Add(1)
	}
	r.fuel.Add(report.GetFuel())
}

// Collect implements inside.Subject.
func (w *Worker) Collect(ch chan<- prometheus.Metric) {
	w.base.Collect(ch)
	for status, name := range statusNames {
		inside.Counter(ch, "anthill_attempts_total", "Attempts that were run here, by how they ended.", float64(w.ran.attempts[status].Load()), "status", name)
	}
	inside.Counter(ch, "anthill_fuel_total", "The fuel that they took.", float64(w.ran.fuel.Load()))
	busy := 0
	for _, s := range w.running.list() {
		if s.Job != "" {
			busy++
		}
	}
	inside.Gauge(ch, "anthill_slots", "Tasks that this worker runs at a time.", float64(len(w.slots)))
	inside.Gauge(ch, "anthill_slots_busy", "Tasks that it runs now.", float64(busy))
	inside.Gauge(ch, "anthill_leases_held", "Tasks that it has, running or waiting.", float64(w.leases.count()))
	inside.Gauge(ch, "anthill_reports_waiting", "Reports that are not handed in yet.", float64(w.reports.count()))
	inside.Gauge(ch, "anthill_paused", "Whether it is paused.", inside.Bool(w.pauses.any()))
	inside.Gauge(ch, "anthill_session", "Whether it has a session with a coordinator.", inside.Bool(w.session.Home() != ""))
}

// Ready implements inside.Subject. A worker that is paused is ready: its donor wants it so.
func (w *Worker) Ready() []inside.Check {
	return []inside.Check{{Name: "coordinator", Err: w.attended()}, {Name: "disk", Err: w.base.Store.Full()}}
}

// attended says whether a coordinator answers.
func (w *Worker) attended() error {
	if since, why, silent := w.silence.Lasts(); silent {
		return fmt.Errorf("none has answered since %s: %s", since.Format("15:04:05"), why)
	}
	if w.session.Home() == "" {
		return errors.New("this worker has no session with any")
	}
	return nil
}

// Alive implements inside.Subject: what it runs and holds can be looked up.
func (w *Worker) Alive() {
	w.running.list()
	w.leases.count()
}

// Pictures implements inside.Subject.
func (w *Worker) Pictures() map[string]any { return map[string]any{"status": w.Status()} }
