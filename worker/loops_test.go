package worker

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/limits"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// coordinators answer as they are told to.
type coordinators struct {
	anthillv1.WorkServiceClient
	errs    []error // of the next reports
	reports []*anthillv1.ReportRequest
	void    []uint64
	beat    *anthillv1.HeartbeatRequest
	patient time.Duration // how long the last heartbeat would wait
	life    time.Duration // of leases
	offers  atomic.Int32
}

// Offer has no work.
func (c *coordinators) Offer(context.Context, *anthillv1.OfferRequest, ...grpc.CallOption) (*anthillv1.OfferResponse, error) {
	c.offers.Add(1)
	time.Sleep(time.Second)
	return &anthillv1.OfferResponse{}, nil
}

func (c *coordinators) Report(_ context.Context, req *anthillv1.ReportRequest, _ ...grpc.CallOption) (*anthillv1.ReportResponse, error) {
	c.reports = append(c.reports, req)
	var err error
	if len(c.errs) > 0 {
		err, c.errs = c.errs[0], c.errs[1:]
	}
	return &anthillv1.ReportResponse{}, err
}

func (c *coordinators) Heartbeat(ctx context.Context, req *anthillv1.HeartbeatRequest, _ ...grpc.CallOption) (*anthillv1.HeartbeatResponse, error) {
	c.beat = req
	deadline, _ := ctx.Deadline()
	c.patient = time.Until(deadline)
	return &anthillv1.HeartbeatResponse{VoidLeases: c.void, LeaseDuration: durationpb.New(c.life)}, nil
}

// nothing can be fetched.
type nothing struct{}

func (nothing) Fetch(context.Context, blob.ID, int64, int64, []swarm.Provider) (swarm.Traffic, error) {
	return nil, swarm.ErrUnavailable
}

func newWorker(t *testing.T) (*Worker, *coordinators) {
	t.Helper()
	store, err := blobstore.Open(blobstore.Config{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	c := &coordinators{}
	return &Worker{
		cfg: Config{Logger: slog.New(slog.DiscardHandler)}, base: &node.Base{Store: store, Address: "h:1"}, work: c, conn: &gridconn.Conn{},
		executor: &executor.Executor{Fetcher: nothing{}, Store: store},
		leases:   newLeases(), reports: newOutbox(), ready: make(chan *executor.Attempt), leaseTime: shortLease,
		pauses: newPauses(), board: newBoard(1),
	}, c
}

// Who has lent all that he lends of his line is paused, and says so, until the
// month turns.
func TestAMonthWhoseVolumeIsUsedUpIsAPause(t *testing.T) {
	w, c := newWorker(t)
	slot, err := sandbox.NewSlot(sandbox.Config{Command: []string{"/nowhere/child"}, CacheDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(slot.Close)
	w.slots, w.base.Node = []*sandbox.Slot{slot}, somebody(t)
	file := filepath.Join(t.TempDir(), "volume.json")
	synctest.Test(t, func(t *testing.T) {
		w.pauses = newPauses() // its channels belong to the bubble
		if w.base.Volume, err = throttle.OpenVolume(throttle.VolumeConfig{Limit: 10, File: file}); err != nil {
			t.Fatal(err)
		}
		u := w.Volume()
		y := newYielder(limits.Yield{}, w.machineSenses(), w, silent)
		ctx, cancel := context.WithCancel(t.Context())
		var loops sync.WaitGroup
		loops.Go(func() { y.run(ctx) })
		loops.Go(func() { w.offers(ctx) })
		time.Sleep(2 * lookEvery)
		if r := reasonsOf(w); len(r) != 0 {
			t.Errorf("paused before the volume is used: %q", r)
		}
		w.base.Volume.Add(10)
		time.Sleep(2 * lookEvery)
		before := c.offers.Load()
		time.Sleep(time.Until(u.Until) - time.Second)
		if r := reasonsOf(w); len(r) != 1 || !strings.Contains(r[0], "monthly volume is used up until "+u.Until.Format(time.DateOnly)) {
			t.Errorf("reasons %q past the volume", r)
		}
		if n := c.offers.Load() - before; n != 0 {
			t.Errorf("%d offers past the volume", n)
		}
		if err := w.heartbeat(ctx); err != nil || !c.beat.GetPaused() {
			t.Errorf("heartbeat %v, %v; want it paused", c.beat, err)
		}
		time.Sleep(2*time.Second + 2*lookEvery)
		if r := reasonsOf(w); len(r) != 0 {
			t.Errorf("the new month is paused: %q", r)
		}
		cancel()
		loops.Wait()
	})
}

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

func TestHeartbeatDropsVoidLeases(t *testing.T) {
	w, c := newWorker(t)
	one, two := w.leases.add(t.Context(), &anthillv1.Lease{Id: 1}), w.leases.add(t.Context(), &anthillv1.Lease{Id: 2})
	c.void = []uint64{2, 77}
	if err := w.heartbeat(t.Context()); err != nil {
		t.Fatal(err)
	}
	if one.Err() != nil || two.Err() == nil {
		t.Error("the void lease goes on, or the other does not")
	}
	if len(c.beat.GetLeases()) != 2 || c.beat.GetAddress() != "h:1" {
		t.Errorf("heartbeat %v", c.beat)
	}
}

// A coordinator that hangs must not cost a lease, however short it is.
func TestHeartbeatsKeepUpWithLeases(t *testing.T) {
	w, c := newWorker(t)
	for _, life := range []time.Duration{6 * time.Second, 3 * time.Second, 0, time.Minute} {
		before := w.leaseTime
		c.life = life
		if err := w.heartbeat(t.Context()); err != nil {
			t.Fatal(err)
		}
		if c.patient > before/2 {
			t.Errorf("leases live for %v, and a heartbeat takes up to %v", before, c.patient)
		}
		if life > 0 && w.leaseTime != life || life == 0 && w.leaseTime != before {
			t.Errorf("told of %v, it goes by %v after %v", life, w.leaseTime, before)
		}
		if every := jobs.HeartbeatEvery(w.leaseTime); every > time.Second || every > w.leaseTime/6 || every < w.leaseTime/6 && every < time.Second {
			t.Errorf("leases live for %v, and there is a heartbeat every %v", w.leaseTime, every)
		}
	}
}

func TestAttemptsThatCannotBePrepared(t *testing.T) {
	w, _ := newWorker(t)
	id := blob.Of([]byte("bundle")).ID()
	lease := &anthillv1.Lease{Id: 5, Spec: &anthillv1.JobSpec{Bundle: &anthillv1.BlobRef{Id: id[:]}, Metering: jobs.Metering}}
	w.prepare(t.Context(), lease)
	batch := take(t, w.reports)
	if len(batch) != 1 || batch[0].GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST || !strings.Contains(batch[0].GetReason(), "no provider") {
		t.Errorf("reported %v", batch)
	}
	w.reports.handedIn()
	if w.pace.rest() == 0 {
		t.Error("it goes on at once")
	}
	void, cancel := context.WithCancelCause(t.Context())
	cancel(errors.New("void"))
	w.prepare(void, lease)
	if w.reports.count() != 0 {
		t.Error("it reports on a lease that is void")
	}
}

func TestGiveBack(t *testing.T) {
	w, _ := newWorker(t)
	w.leases.add(t.Context(), &anthillv1.Lease{Id: 3})
	w.giveBack()
	if r := take(t, w.reports)[0]; r.GetLease() != 3 || r.GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST {
		t.Errorf("reported %v", r)
	}
}
