package worker

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/limits"
)

// TestLeasesOfOwnersThatAreRuledOut go back as declined.
func TestLeasesOfOwnersThatAreRuledOut(t *testing.T) {
	w, _ := newWorker(t)
	w.cfg.Lent.Owners = limits.Owners{Not: []string{"bob"}}
	if err := w.refuses(&anthillv1.Lease{Owner: "ann"}); err != nil {
		t.Error(err)
	}
	err := w.refuses(&anthillv1.Lease{Owner: "bob"})
	if !errors.Is(err, errDeclined) {
		t.Fatal(err)
	}
	w.decline(&anthillv1.Lease{Id: 3, Owner: "bob"}, err)
	batch := take(t, w.reports)
	if len(batch) != 1 || batch[0].GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_STOPPED || !batch[0].GetDeclined() {
		t.Errorf("reported %v", batch)
	}
	if got := w.terms(); len(got.GetNotOwners()) != 1 || got.GetMemory() != w.cfg.Lent.Memory {
		t.Errorf("the terms are %v", got)
	}
}

// here has all that is asked for.
type here struct{}

func (here) Fetch(context.Context, blob.ID, int64, int64, []swarm.Provider) (swarm.Traffic, error) {
	return nil, nil
}

// attempt is one that takes so many MiB.
func attempt(t *testing.T, mib int64) *executor.Attempt {
	t.Helper()
	bundle := blob.Of([]byte("bundle"))
	w, _ := newWorker(t)
	if _, err := w.base.Store.Put([]byte("bundle")); err != nil {
		t.Fatal(err)
	}
	id := bundle.ID()
	w.executor.Fetcher = here{}
	a, err := w.executor.Prepare(t.Context(), &anthillv1.Lease{Spec: &anthillv1.JobSpec{
		Bundle: &anthillv1.BlobRef{Id: id[:], Size: 6}, Metering: jobs.Metering, Limits: &anthillv1.Limits{Memory: (mib - 128) << 20},
		Input: &anthillv1.Input{Source: &anthillv1.Input_Range{Range: &anthillv1.RangeInput{To: 1, Step: 1}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Memory(); got != mib<<20 {
		t.Fatalf("it takes %d bytes", got)
	}
	return a
}

// TestAttemptsShareTheMemory: they wait for each other, and one that never fits is told.
func TestAttemptsShareTheMemory(t *testing.T) {
	m, a := newMemory(1000<<20), attempt(t, 600)
	give, err := m.take(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	soon, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := m.take(soon, a); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("two of 600 MiB have 1,000: %v", err)
	}
	give()
	if _, err := m.take(t.Context(), a); err != nil {
		t.Error(err)
	}
	if _, err := m.take(t.Context(), attempt(t, 1001)); !errors.As(err, &tooLarge{}) {
		t.Errorf("1,001 MiB of 1,000: %v", err)
	}
	if _, err := newMemory(0).take(t.Context(), attempt(t, 1<<20)); err != nil {
		t.Errorf("without a limit: %v", err)
	}
}
