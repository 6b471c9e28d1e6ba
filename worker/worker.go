package worker

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/limits"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// Config says what a worker lends, and to which grid.
type Config struct {
	Dir    string
	Listen string // HOST:PORT; ":0" takes a free port
	Token  string // empty: Dir belongs to a grid already
	Lent   limits.Lent
	// SandboxCommand starts a sandbox child; see sandbox.Config.
	SandboxCommand []string
	// Misbehave makes the worker return wrong bytes for half of its tasks: for
	// trying out whether a grid notices.
	Misbehave bool
	Logger    *slog.Logger
}

// Worker is a running donor.
type Worker struct {
	cfg        Config
	address    string
	node       *node.Node
	store      *blobstore.Store
	swarm      *swarm.Swarm
	peers      *swarm.Pool
	membership *membership.Membership
	listener   net.Listener
	lock       io.Closer
	pieces     *grpc.Server
	conn       *gridconn.Conn
	work       anthillv1.WorkServiceClient
	executor   *executor.Executor
	slots      []*sandbox.Slot
	leases     *leases
	ready      chan *executor.Attempt
	reports    *outbox
	preparing  sync.WaitGroup
	kept       []blob.ID // small outputs on disk, oldest first; deliver's own
	pace       pace
	shelf      shelf
}

// New opens the worker's port and disk, and enrols it where needed.
func New(ctx context.Context, cfg Config) (*Worker, error) {
	if err := cfg.Lent.Validate(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	w := &Worker{cfg: cfg, leases: newLeases(), reports: newOutbox(), ready: make(chan *executor.Attempt)}
	if err := w.start(ctx); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

func (w *Worker) start(ctx context.Context) (err error) {
	if w.lock, err = node.Lock(w.cfg.Dir); err != nil {
		return err
	}
	if w.listener, w.address, err = node.Listen(w.cfg.Listen, node.Toward(w.cfg.Token)); err != nil {
		return err
	}
	w.node, err = node.Open(ctx, node.Config{Dir: w.cfg.Dir, Role: jobs.Worker, Token: w.cfg.Token, Address: w.address})
	if err != nil {
		return err
	}
	if w.store, err = blobstore.Open(blobstore.Config{Dir: filepath.Join(w.cfg.Dir, "blobs"), Quota: w.cfg.Lent.Disk}); err != nil {
		return err
	}
	id := w.node.Identity
	w.peers = swarm.NewDialer(id.ClientTLS(nil, identity.ProtoGRPC))
	if w.swarm, err = swarm.New(swarm.Config{
		Store: w.store, Dial: w.peers.Dial, Self: w.address, Identify: identity.Identify, Logger: w.cfg.Logger,
	}); err != nil {
		return err
	}
	w.executor = &executor.Executor{Fetcher: w.swarm, Store: w.store}
	if w.cfg.Misbehave {
		w.executor.Tamper = lie
	}
	w.pieces = grpc.NewServer(append(gridconn.ServerOptions(), grpc.Creds(identity.ServerCredentials(id, nil)))...)
	anthillv1.RegisterPieceServiceServer(w.pieces, swarm.NewServer(swarm.ServerConfig{Store: w.store, Allow: w.mayRead}))
	if w.conn, err = gridconn.Dial(id, w.node.Coordinators); err != nil {
		return err
	}
	w.work = anthillv1.NewWorkServiceClient(w.conn)
	if err := w.startGossip(); err != nil {
		return err
	}
	return w.startSlots()
}

func (w *Worker) startGossip() (err error) {
	host, _, err := net.SplitHostPort(w.listener.Addr().String())
	if err != nil {
		return err
	}
	w.membership, err = membership.New(membership.Config{
		Node: w.node.Identity.Node(), Role: jobs.Worker, Address: w.address, Bind: net.JoinHostPort(host, "0"),
		Key: w.node.GossipKey, SnapshotPath: filepath.Join(w.cfg.Dir, "gossip.snapshot"), Logger: w.cfg.Logger,
	})
	return err
}

func (w *Worker) startSlots() error {
	for range w.cfg.Lent.Slots {
		s, err := sandbox.NewSlot(sandbox.Config{
			Command: w.cfg.SandboxCommand, CacheDir: filepath.Join(w.cfg.Dir, "compiled"), Logger: w.cfg.Logger,
		})
		if err != nil {
			return err
		}
		w.slots = append(w.slots, s)
	}
	return nil
}

// Address is where the worker serves pieces.
func (w *Worker) Address() string { return w.address }

// Grid is the grid's id; Owner is who the worker belongs to in it.
func (w *Worker) Grid() string { return w.node.Identity.Grid }

// Owner is who the worker belongs to in the grid.
func (w *Worker) Owner() string { return w.node.Owner }

// Node is the worker's id.
func (w *Worker) Node() jobs.NodeID { return w.node.Identity.Node() }

// Run works until ctx ends. What is under way then is reported as lost, so
// that others get it at once.
func (w *Worker) Run(ctx context.Context) error {
	var loops, reporter sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reportCtx, stopReports := context.WithCancel(context.WithoutCancel(ctx))
	defer stopReports()
	served := make(chan error, 1)
	go func() { served <- w.pieces.Serve(w.listener) }()
	loops.Go(func() { w.node.KeepGossiping(ctx, w.cfg.Dir, w.membership, w.cfg.Logger) })
	loops.Go(func() { w.heartbeats(ctx) })
	loops.Go(func() { w.offers(ctx) })
	for _, s := range w.slots {
		loops.Go(func() { w.runSlot(ctx, s) })
	}
	reporter.Go(func() { w.deliver(reportCtx) })
	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("serve on %s: %w", w.address, err)
	case <-ctx.Done():
	}
	cancel()
	loops.Wait()
	w.preparing.Wait()
	w.giveBack()
	time.AfterFunc(2*time.Second, stopReports)
	w.reports.close()
	reporter.Wait()
	if leave := w.membership.Leave(); leave != nil {
		w.cfg.Logger.Debug("leave gossip", "error", leave)
	}
	return errors.Join(err, w.stop())
}

// giveBack reports all leases that are still held as lost.
func (w *Worker) giveBack() {
	for _, lease := range w.leases.all() {
		w.reports.add(executor.Lost(lease, errors.New("the worker was stopped")))
	}
}

func (w *Worker) stop() error {
	var errs []error
	if w.membership != nil {
		errs = append(errs, w.membership.Shutdown())
	}
	if w.pieces != nil {
		w.pieces.Stop()
	}
	for _, s := range w.slots {
		s.Close()
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	if w.swarm != nil {
		errs = append(errs, w.swarm.Close())
	}
	if w.peers != nil {
		errs = append(errs, w.peers.Close())
	}
	if w.store != nil {
		errs = append(errs, w.store.Close())
	}
	if w.listener != nil {
		w.listener.Close() // the gRPC server has closed it, if it came so far
	}
	if w.lock != nil {
		errs = append(errs, w.lock.Close())
	}
	return errors.Join(errs...)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
