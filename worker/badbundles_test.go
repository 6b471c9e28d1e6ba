package worker

import (
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

func TestBundlesThatBreakTheEngineAreShunned(t *testing.T) {
	now := time.Unix(1000, 0)
	bad, good := blob.Of([]byte("bad")).ID(), blob.Of([]byte("good")).ID()
	killed := sandbox.Result{Status: sandbox.Killed, Reason: "memory"}
	var b badBundles
	for i := range badRuns {
		if err := b.shun(bad, now); err != nil {
			t.Errorf("shunned after %d failures: %v", i, err)
		}
		b.note(bad, killed, now)
		b.note(bad, sandbox.Result{Status: sandbox.TimedOut}, now) // says nothing
		killed.Status = sandbox.Refused                            // counts like a kill
	}
	if err := b.shun(bad, now); err == nil || !strings.Contains(err.Error(), "failed 3 times in a row: memory") {
		t.Errorf("after %d failures: %v", badRuns, err)
	}
	if err := b.shun(good, now); err != nil {
		t.Errorf("another bundle is shunned: %v", err)
	}
	later := now.Add(shunTime)
	if err := b.shun(bad, later); err != nil {
		t.Errorf("no other chance after %v: %v", shunTime, err)
	}
	b.note(bad, killed, later)
	if b.shun(bad, later) == nil {
		t.Error("the other chance was missed and is given again")
	}
	b.note(bad, sandbox.Result{Status: sandbox.Trapped}, later)
	if err := b.shun(bad, later); err != nil {
		t.Errorf("shunned after the engine worked: %v", err)
	}
	for i := range 2 * maxBadBundles {
		b.note(blob.Of([]byte{byte(i), byte(i >> 8)}).ID(), killed, later.Add(time.Duration(i)))
	}
	if len(b.bundles) != maxBadBundles {
		t.Errorf("%d bundles are remembered", len(b.bundles))
	}
}

func TestAShunnedBundleIsLostAtOnce(t *testing.T) {
	w, _ := newWorker(t)
	bundle := blob.Of([]byte("bad")).Ref()
	lease := &anthillv1.Lease{Id: 5, Spec: &anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: bundle.ID[:], Size: bundle.Size}}}
	for range badRuns {
		w.badBundles.note(bundle.ID, sandbox.Result{Status: sandbox.Killed, Reason: "stack"}, time.Now())
	}
	w.prepare(w.leases.add(t.Context(), lease), lease)
	batch, _ := w.reports.cut()
	if len(batch) != 1 || batch[0].GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST || !strings.Contains(batch[0].GetReason(), "stack") {
		t.Errorf("reports %v, want that the lease is lost because of the engine", batch)
	}
	if w.prefetch.rest() == 0 {
		t.Error("it asks for more of the same at once")
	}
}
