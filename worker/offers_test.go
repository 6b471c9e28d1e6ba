package worker

import (
	"context"
	"errors"
	"strings"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func TestWhichErrorsArePermanent(t *testing.T) {
	for code, want := range map[codes.Code]bool{
		codes.PermissionDenied: true, codes.InvalidArgument: true, codes.Unauthenticated: true,
		codes.Unavailable: false, codes.DeadlineExceeded: false, codes.Internal: false, codes.Canceled: false,
	} {
		if got := permanent(status.Error(code, "no")); got != want {
			t.Errorf("%v: permanent %v, want %v", code, got, want)
		}
	}
	if permanent(errors.New("no")) {
		t.Error("an error of this side's making is a refusal")
	}
}

func TestAttemptsThatCannotBePrepared(t *testing.T) {
	w, _ := newWorker(t)
	id := blob.Of([]byte("bundle")).ID()
	lease := &anthillv1.Lease{Id: 5, Spec: &anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: id[:]}, Metering: jobs.Metering}}
	w.prepare(t.Context(), lease)
	batch := take(t, w.reports)
	if len(batch) != 1 || batch[0].GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_STARVED || !strings.Contains(batch[0].GetReason(), "no provider") {
		t.Errorf("reported %v", batch)
	}
	w.reports.handedIn()
	if w.prefetch.rest() == 0 {
		t.Error("it goes on at once")
	}
	void, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("void"))
	w.prepare(void, lease)
	if w.reports.count() != 0 {
		t.Error("it reports on a lease that is void")
	}
}
