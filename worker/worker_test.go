package worker

import (
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/durationpb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/session"
	"github.com/anthill-grid/anthill/internal/swarm"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
)

// coordinators answer as they are told to.
type coordinators struct {
	anthillv1.WorkServiceClient
	errs    []error // of the next reports
	reports []*anthillv1.ReportRequest
	void    []uint64
	beat    *anthillv1.HeartbeatRequest
	life    time.Duration // of leases
	offers  atomic.Int32
	rules   uint32 // of the grid
	denied  atomic.Pointer[anthillv1.GetDenyListResponse]
}

func (c *coordinators) GetDenyList(context.Context, *anthillv1.GetDenyListRequest, ...grpc.CallOption) (*anthillv1.GetDenyListResponse, error) {
	return c.denied.Load(), nil
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

// speak has the worker say what it says in its session, and answers.
func (c *coordinators) speak(w *Worker) {
	c.beat = w.beat()
	w.answered(&anthillv1.HeartbeatResponse{VoidLeases: c.void, LeaseDuration: durationpb.New(c.life), Rules: c.rules}, nil)
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
		cfg: Config{Logger: slog.New(slog.DiscardHandler)}, base: &node.Base{Store: store, Address: "h:1", Paths: reach.New(reach.Config{})}, work: c, conn: &gridconn.Conn{},
		executor: &executor.Executor{Fetcher: nothing{}, Store: store},
		leases:   newLeases(), reports: newOutbox(), ready: make(chan *executor.Attempt), leaseTime: shortLease,
		pauses: newPauses(), running: newRunning(1), memory: newMemory(0), session: session.New(session.Config{}),
	}, c
}

func TestGiveBack(t *testing.T) {
	w, _ := newWorker(t)
	w.leases.add(t.Context(), &anthillv1.Lease{Id: 3})
	w.giveBack()
	if r := take(t, w.reports)[0]; r.GetLease() != 3 || r.GetStatus() != anthillv1.AttemptStatus_ATTEMPT_STATUS_STOPPED {
		t.Errorf("reported %v", r)
	}
}
