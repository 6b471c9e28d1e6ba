package worker

import (
	"context"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"sync"
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

// TestDeniedBlobsAreKeptOut: what reads them is declined, running or not, and neither the
// store nor other nodes get them. A donor's exception counts more than the grid's list.
func TestDeniedBlobsAreKeptOut(t *testing.T) {
	w, c := newWorker(t)
	path := filepath.Join(t.TempDir(), "x.deny")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bad, other := blob.Of([]byte("bad")).ID(), blob.Of([]byte("other")).ID()
	lease := func(n uint64, id blob.ID) *anthillv1.Lease {
		return &anthillv1.Lease{Id: n, Spec: &anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: id[:], Size: 3}}}
	}
	write("")
	w.cfg.DenyList, w.cfg.FollowDenyList = path, true
	if err := w.startDenying(); err != nil {
		t.Fatal(err)
	}
	if _, err := w.base.Store.PutMany([][]byte{[]byte("bad"), []byte("other")}); err != nil {
		t.Fatal(err)
	}
	runs := w.leases.add(t.Context(), lease(1, bad))
	w.leases.start(1)
	w.leases.add(t.Context(), lease(2, other))
	w.shared.add(lease(1, bad).GetSpec())

	ctx, cancel := context.WithCancel(t.Context())
	var watching sync.WaitGroup
	watching.Go(func() { w.watchDenyLists(ctx) })
	defer watching.Wait()
	defer cancel()
	write("/anthill/" + bad.String() + "\n")
	batch := take(t, w.reports)
	if len(batch) != 1 || batch[0].GetLease() != 1 || !batch[0].GetDeclined() || runs.Err() == nil {
		t.Errorf("reported %v", batch)
	}
	w.reports.handedIn()
	until(t, "the blob is gone", func() bool { return !w.base.Store.Complete(bad) && !w.shared.has(bad) })
	if err := w.refuses(lease(3, bad)); !errors.Is(err, errDeclined) || w.refuses(lease(4, other)) != nil {
		t.Errorf("the next: %v", err)
	}

	c.denied.Store(&anthillv1.GetDenyListResponse{Revision: 7, Keys: keyOf(t, other)})
	w.denying.told.Store(7)
	if batch := take(t, w.reports); len(batch) != 1 || batch[0].GetLease() != 2 {
		t.Errorf("reported %v", batch)
	}
	until(t, "the other is gone", func() bool { return !w.base.Store.Complete(other) })
	write("!" + other.String() + "\n")
	until(t, "the exception counts", func() bool { return w.refuses(lease(5, other)) == nil && w.refuses(lease(6, bad)) == nil })
}

func keyOf(t *testing.T, id blob.ID) []byte {
	t.Helper()
	key, err := hex.DecodeString(string(jobs.DenyKeyOf(id)))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("in vain: " + what)
		}
	}
}
