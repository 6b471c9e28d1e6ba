package worker

import (
	"errors"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/worker/control"
	"github.com/anthill-grid/anthill/worker/limits"
	"github.com/anthill-grid/anthill/worker/machine"
)

// Pause stops all work for a reason, at once: running tasks stand still and keep
// their leases, those that have not started go back to the grid. Each reason
// counts once, and the worker goes on when all are gone.
//
// An error tells that running tasks go on to their end, for lack of a way to
// stop them (Windows); nothing else starts all the same.
func (w *Worker) Pause(reason string) error {
	w.pausing.Lock()
	defer w.pausing.Unlock()
	if !w.pauses.add(reason, time.Now()) {
		return nil
	}
	var errs []error
	for _, s := range w.slots {
		errs = append(errs, s.Pause())
	}
	w.giveUp()
	w.cfg.Logger.Info("paused", "reason", reason)
	return errors.Join(errs...)
}

// Resume takes a reason to pause away. It is no error if there was none such.
func (w *Worker) Resume(reason string) error {
	w.pausing.Lock()
	defer w.pausing.Unlock()
	if !w.pauses.remove(reason, time.Now()) {
		return nil
	}
	var errs []error
	for _, s := range w.slots {
		errs = append(errs, s.Resume())
	}
	w.cfg.Logger.Info("resumed")
	return errors.Join(errs...)
}

// Status is what the worker does now.
func (w *Worker) Status() control.Status {
	s := control.Status{
		Node: string(w.Node()), Grid: w.Grid(), Owner: w.Owner(), Address: w.Address(),
		Pauses: w.pauses.list(), Slots: w.board.list(), Leases: w.leases.count(),
	}
	if p, err := machine.Power(); err == nil && p != (limits.Power{}) {
		s.Power = p.String()
	}
	if u := w.Volume(); u.Limit > 0 {
		s.Volume = &control.Volume{Used: u.Used, Limit: u.Limit, Until: u.Until}
	}
	return s
}

// Do implements control.Worker.
func (w *Worker) Do(c control.Command) (control.Status, error) {
	var err error
	switch c.Do {
	case control.DoPause:
		err = w.Pause(c.Reason)
	case control.DoResume:
		err = w.Resume(c.Reason)
	case control.DoStatus:
	default:
		return control.Status{}, fmt.Errorf("control worker: it does not know what %q means", c.Do)
	}
	return w.Status(), err
}
