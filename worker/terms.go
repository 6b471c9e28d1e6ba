package worker

import (
	"errors"
	"fmt"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
)

// errDeclined is of leases that the donor has ruled out.
var errDeclined = errors.New("declined")

// terms are on what the donor lends this worker, as coordinators are told: what they heed
// need not be declined.
func (w *Worker) terms() *anthillv1.Terms {
	l := w.cfg.Lent
	return &anthillv1.Terms{Memory: l.Memory, OnlyOwners: l.Owners.Only, NotOwners: l.Owners.Not}
}

// refuses says why the donor does not lend the worker for a lease, or nil. Coordinators of
// an older version know nothing of terms, so they are looked at here again.
func (w *Worker) refuses(lease *anthillv1.Lease) error {
	if err := w.cfg.Lent.Owners.Refuses(lease.GetOwner()); err != nil {
		return fmt.Errorf("%w: %w", errDeclined, err)
	}
	return w.deniedIn(lease)
}

// decline gives back a lease that the donor has ruled out.
func (w *Worker) decline(lease *anthillv1.Lease, why error) {
	w.cfg.Logger.Info("declined", "job", lease.GetJobId(), "task", lease.GetTask(), "reason", why)
	w.reports.add(executor.Declined(lease, why))
}
