package worker

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
)

func TestDeliverRepeatsWhatFailed(t *testing.T) {
	w, c := newWorker(t)
	c.errs = []error{status.Error(codes.Unavailable, "no leader"), context.DeadlineExceeded}
	lease := w.leases.add(t.Context(), &anthillv1.Lease{Id: 1})
	w.reports.add(report(1, 3))
	w.reports.close()
	w.deliver(t.Context())
	if len(c.reports) != 3 || c.reports[2].GetReports()[0].GetLease() != 1 {
		t.Errorf("%d calls, want the same report three times", len(c.reports))
	}
	if lease.Err() == nil || w.leases.count() != 0 || w.reports.count() != 0 {
		t.Error("the lease is still held after its report")
	}
	if !w.base.Store.Complete(blob.Of(make([]byte, 3)).ID()) {
		t.Error("the output is not kept for a leader that dies now")
	}
}

func TestDeliverDoesNotRepeatWhatIsRefused(t *testing.T) {
	w, c := newWorker(t)
	c.errs = []error{status.Error(codes.PermissionDenied, "banned")}
	for i := range uint64(maxBatch + 1) {
		w.reports.add(report(i, 0))
	}
	w.reports.close()
	w.deliver(t.Context())
	if len(c.reports) != 2 {
		t.Errorf("%d calls, want two batches once each", len(c.reports))
	}
}

func TestDeliverEndsWithItsContext(t *testing.T) {
	w, c := newWorker(t)
	for range 1000 {
		c.errs = append(c.errs, status.Error(codes.Unavailable, "no leader"))
	}
	w.reports.add(report(1, 0))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	w.deliver(ctx) // or the test runs into its time limit
}

func TestOldOutputsAreForgotten(t *testing.T) {
	w, _ := newWorker(t)
	first := blob.Of([]byte("first")).ID()
	w.keep([]*anthillv1.AttemptReport{{Data: []byte("first")}, {Lease: 2}})
	for i := range keptOutputs - 1 {
		w.kept = append(w.kept, blob.ID{byte(i), byte(i >> 8), 1})
	}
	if !w.base.Store.Complete(first) {
		t.Fatal("an output is forgotten too soon")
	}
	w.keep([]*anthillv1.AttemptReport{{Data: []byte("last")}})
	if w.base.Store.Complete(first) || !w.base.Store.Complete(blob.Of([]byte("last")).ID()) || len(w.kept) != keptOutputs {
		t.Errorf("of %d outputs the oldest should be forgotten, and the newest kept", len(w.kept))
	}
}

// Coordinators that go by older rules would refuse the whole batch for a word that they
// do not know.
func TestReportsInWordsThatTheGridKnows(t *testing.T) {
	for rules, want := range map[jobs.Version][]anthillv1.AttemptStatus{
		0: {anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST, anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST, anthillv1.AttemptStatus_ATTEMPT_STATUS_KILLED},
		jobs.VersionInput: {
			anthillv1.AttemptStatus_ATTEMPT_STATUS_STARVED, anthillv1.AttemptStatus_ATTEMPT_STATUS_STOPPED, anthillv1.AttemptStatus_ATTEMPT_STATUS_KILLED,
		},
	} {
		w, c := newWorker(t)
		c.rules = uint32(rules)
		c.speak(w)
		w.reports.add(executor.Unready(&anthillv1.Lease{Id: 1}, swarm.ErrUnavailable))
		w.reports.add(executor.Stopped(&anthillv1.Lease{Id: 2}, errors.New("paused")))
		w.reports.add(&anthillv1.AttemptReport{Lease: 3, Status: anthillv1.AttemptStatus_ATTEMPT_STATUS_KILLED})
		w.reports.close()
		w.deliver(t.Context())
		for i, r := range c.reports[0].GetReports() {
			if r.GetStatus() != want[i] {
				t.Errorf("rules %d: report %d says %v, want %v", rules, i, r.GetStatus(), want[i])
			}
		}
	}
}
