package executor

import (
	"context"
	"errors"

	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Unready reports an attempt that could not be prepared. It is lost, but starved where
// nobody sent what it reads: trouble of this machine's disk or line is no such excuse.
func Unready(lease *anthillv1.Lease, err error) *anthillv1.AttemptReport {
	if errors.Is(err, swarm.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded) {
		return voteless(lease, jobs.Starved, err)
	}
	return voteless(lease, jobs.Lost, err)
}

// Stopped reports an attempt that the worker's donor ended, or kept from beginning.
func Stopped(lease *anthillv1.Lease, err error) *anthillv1.AttemptReport {
	return voteless(lease, jobs.Stopped, err)
}

// Declined reports an attempt that the worker's donor has ruled out: it is nobody's
// fault, and the worker is to get no more of the job.
func Declined(lease *anthillv1.Lease, err error) *anthillv1.AttemptReport {
	report := Stopped(lease, err)
	report.Declined = true
	return report
}

func (e *Executor) lost(a *Attempt, err error) *anthillv1.AttemptReport {
	report := voteless(a.Lease, jobs.Lost, err)
	report.Fetched = traffic(a.fetched)
	return report
}

func voteless(lease *anthillv1.Lease, status jobs.AttemptStatus, err error) *anthillv1.AttemptReport {
	return &anthillv1.AttemptReport{Lease: lease.GetId(), Status: wire.StatusToProto(status), Reason: Reason(err.Error(), nil)}
}
