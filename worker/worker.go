package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/session"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/control"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/limits"
	"github.com/anthill-grid/anthill/worker/misbehave"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// Config says what a worker lends, and to which grid.
type Config struct {
	Dir    string
	Listen string // HOST:PORT; ":0" takes a free port
	// Advertise are HOST:PORTs besides at which others may reach the worker.
	Advertise []string
	// NoPortMapping: the router is not asked to open a port.
	NoPortMapping bool
	Token         string // empty: Dir belongs to a grid already
	Lent          limits.Lent
	// DenyList is the donor's list of blobs to keep away from, a .deny file that is read
	// again when it changes; "": there is none. FollowDenyList: the grid's counts too.
	DenyList       string
	FollowDenyList bool
	// SandboxCommand starts a sandbox child; see sandbox.Config.
	SandboxCommand []string
	// Misbehave is how the worker lies, for trying out whether a grid notices.
	Misbehave misbehave.Way
	Logger    *slog.Logger
}

// Worker is a running donor.
type Worker struct {
	cfg        Config
	base       *node.Base
	pieces     *grpc.Server
	conn       *gridconn.Conn
	work       anthillv1.WorkServiceClient
	session    *session.Session
	leaving    atomic.Bool
	gossip     gossip
	executor   *executor.Executor
	slots      []*sandbox.Slot
	runners    []executor.Runner // of the slots
	leases     *leases
	ready      chan *executor.Attempt
	reports    *outbox
	preparing  sync.WaitGroup
	kept       []blob.ID // small outputs on disk, oldest first; deliver's own
	prefetch   prefetch
	shared     sharedInputs
	memory     *memory
	denying    denying
	wishes     wishes
	badBundles badBundles
	pausing    sync.Mutex // held while slots stop or go on
	pauses     *pauses
	running    *running
	tally      tally
	ran        ran
	earned     atomic.Pointer[control.Earned] // nil: no coordinator has said
	control    *control.Server
	leaseTime  time.Duration // as the last beat was answered; the session's own
	silence    node.Silence
	rules      atomic.Uint32 // the version of the grid's, as it was answered
}

// New opens the worker's port and disk, and enrols it where needed.
func New(ctx context.Context, cfg Config) (*Worker, error) {
	if err := cfg.Lent.Validate(); err != nil {
		return nil, fmt.Errorf("worker: %w", err)
	}
	if _, err := misbehave.Parse(string(cfg.Misbehave)); err != nil {
		return nil, err
	}
	w := &Worker{cfg: cfg, leases: newLeases(), reports: newOutbox(), ready: make(chan *executor.Attempt), leaseTime: shortLease, pauses: newPauses(), running: newRunning(cfg.Lent.Slots), memory: newMemory(cfg.Lent.Memory)}
	if err := w.start(ctx); err != nil {
		return nil, errors.Join(err, w.stop())
	}
	return w, nil
}

// mapping is how the router is asked for a port, nil if it is not.
func (w *Worker) mapping() reach.Mapper {
	if w.cfg.NoPortMapping {
		return nil
	}
	return reach.AskRouter
}

func (w *Worker) start(ctx context.Context) (err error) {
	w.base, err = node.NewBase(ctx, node.BaseConfig{
		Dir: w.cfg.Dir, Role: jobs.Worker, Token: w.cfg.Token, Listen: w.cfg.Listen, Advertised: w.cfg.Advertise, Quota: w.cfg.Lent.Disk, Traffic: w.cfg.Lent.Traffic,
		Map: w.mapping(), Find: w.find, Gossip: w.takeGossip, Logger: w.cfg.Logger,
	})
	if err != nil {
		return err
	}
	if err := w.startDenying(); err != nil {
		return err
	}
	id := w.base.Identity
	w.executor = &executor.Executor{Fetcher: w.base.Swarm, Store: w.base.Store, Sources: w.sources}
	w.pieces = grpc.NewServer(append(gridconn.PeerServerOptions(), grpc.Creds(w.base.Credentials()))...)
	anthillv1.RegisterPieceServiceServer(w.pieces, swarm.NewServer(swarm.ServerConfig{
		Store: w.base.Store, Allow: w.mayRead, Owed: w.owed, Swarm: w.base.Swarm, Sign: id.SignServed,
	}))
	if w.conn, err = gridconn.Dial(id, w.base.Coordinators); err != nil {
		return err
	}
	w.work = anthillv1.NewWorkServiceClient(w.conn)
	w.startSession()
	if err := w.startSlots(); err != nil {
		return err
	}
	if w.cfg.Misbehave != misbehave.Honest {
		w.startLying()
	}
	if w.control, err = control.Listen(w.cfg.Dir, w); err != nil {
		w.cfg.Logger.Warn("failed to listen for the donor: this worker cannot be paused or asked what it does", "error", err)
	}
	return nil
}

func (w *Worker) startSession() {
	w.session = session.New(session.Config{
		Identity: w.base.Identity, Coordinators: w.base.Coordinators, Address: w.base.Address,
		Beat: w.beat, Answered: w.answered, Every: func() time.Duration { return jobs.HeartbeatEvery(w.leaseTime) },
		Logger: w.cfg.Logger,
	})
	w.session.OnNews(func(n session.News) {
		w.base.Identity.ShutOut(n.RevokedNodes)
		w.learn(n.Addresses())
	})
	w.session.OnNews(w.gossip.heed)
	w.session.Open(w.base.Paths)
}

// find asks the grid who else has or wants a blob, and says that this worker
// does. Nothing is fetched before there is a connection.
func (w *Worker) find(ctx context.Context, id blob.ID) ([]swarm.Provider, time.Duration, error) {
	m, err := swarm.Announce(ctx, anthillv1.NewTrackerServiceClient(w.conn), w.base.Address, id, false, false)
	w.base.Swarm.Grant(id, m.Grant)
	return m.Peers, m.Again, err
}

// startLying is called in liars only.
func (w *Worker) startLying() {
	liar := misbehave.New(misbehave.Config{
		Way: w.cfg.Misbehave, Name: string(w.Node()), Results: anthillv1.NewJobServiceClient(w.conn),
		Swarm: w.base.Swarm, Peers: w.coordinators, Logger: w.cfg.Logger,
	})
	w.executor.Tamper = liar.Tamper
	for i, honest := range w.runners {
		w.runners[i] = liar.Runner(honest)
	}
}

// coordinators are those that this worker knows of.
func (w *Worker) coordinators() (list []swarm.Provider) {
	for _, address := range w.conn.Known() {
		list = append(list, swarm.Provider{Address: address, Role: jobs.Coordinator})
	}
	return list
}

// Address is where the worker serves pieces.
func (w *Worker) Address() string { return w.base.Address }

// Grid is the grid's id; Owner is who the worker belongs to in it.
func (w *Worker) Grid() string { return w.base.Identity.Grid }

// Owner is who the worker belongs to in the grid.
func (w *Worker) Owner() string { return w.base.Owner }

// Volume is how much other nodes have taken of the line this month. It is safe to call
// while the worker runs.
func (w *Worker) Volume() throttle.Usage { return w.base.Volume.Usage() }

// Node is the worker's id.
func (w *Worker) Node() jobs.NodeID { return w.base.Identity.Node() }

// Run works until ctx ends. What is under way then is handed back, so that others get
// it at once.
func (w *Worker) Run(ctx context.Context) error {
	var loops, reporter, attending sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	reportCtx, stopReports := context.WithCancel(context.WithoutCancel(ctx))
	defer stopReports()
	yield := newYielder(w.cfg.Lent.Yield, w.machineSenses(), w, w.cfg.Logger)
	yield.look(time.Now()) // before there is work
	served := make(chan error, 1)
	go func() { served <- w.pieces.Serve(w.base.Listener) }()
	loops.Go(func() { w.base.Swarm.ReportCaught(ctx, w.accuse) })
	loops.Go(func() { w.keepGossip(ctx) })
	loops.Go(func() { w.base.KeepCertificate(ctx) })
	loops.Go(func() { w.offers(ctx) })
	loops.Go(func() { w.watchDenyLists(ctx) })
	loops.Go(func() { w.endPauses(ctx) })
	loops.Go(func() { yield.run(ctx) })
	if w.control != nil {
		loops.Go(func() { w.control.Run(ctx) })
	}
	for slot := range w.slots {
		loops.Go(func() { w.runSlot(ctx, slot) })
	}
	reporter.Go(func() { w.deliver(reportCtx) })
	sessionCtx, endSession := context.WithCancel(context.WithoutCancel(ctx))
	defer endSession()
	attending.Go(func() { w.session.Run(sessionCtx) })
	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("serve on %s: %w", w.base.Address, err)
	case <-ctx.Done():
	}
	cancel()
	loops.Wait()
	w.preparing.Wait()
	w.giveBack()
	time.AfterFunc(2*time.Second, stopReports)
	w.reports.close()
	reporter.Wait()
	w.leave()
	endSession()
	attending.Wait()
	return errors.Join(err, w.stop())
}

// accuse tells the grid who served wrong bytes here.
func (w *Worker) accuse(ctx context.Context, c swarm.Caught) error {
	return c.Report(ctx, anthillv1.NewTrackerServiceClient(w.conn))
}

// giveBack hands back all leases that are still held.
func (w *Worker) giveBack() {
	for _, lease := range w.leases.all() {
		w.reports.add(executor.Stopped(lease, errors.New("the worker was stopped")))
	}
}

func (w *Worker) stop() error {
	var errs []error
	if w.pieces != nil {
		w.pieces.Stop()
	}
	if w.control != nil {
		errs = append(errs, w.control.Close())
	}
	for _, s := range w.slots {
		s.Close()
	}
	if w.conn != nil {
		errs = append(errs, w.conn.Close())
	}
	if w.base != nil {
		errs = append(errs, w.base.Close())
	}
	return errors.Join(errs...)
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
