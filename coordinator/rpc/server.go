// Package rpc is the coordinator's gRPC face: it turns calls into commands and
// views of jobs.State, refuses what a role may not do, and forwards to the
// leader what only the leader can answer. Errors become statuses in errors.go.
package rpc

import (
	"context"
	"io"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/reflection"

	"github.com/anthill-grid/anthill/coordinator/chronicle"
	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/keeper"
	"github.com/anthill-grid/anthill/coordinator/logbook"
	"github.com/anthill-grid/anthill/coordinator/placement"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Desk is the leader's desk, see package desk. All but Leading, Slots and Fuel fail with
// desk.ErrNoLeader on other coordinators.
type Desk interface {
	// Leading says whether this coordinator leads and is ready to.
	Leading() bool
	Workers
	Tracker
	// Confirm notes what a coordinator holds.
	Confirm(ctx context.Context, c jobs.ConfirmHeld) error
}

// Workers is where workers get work and hand it in.
type Workers interface {
	// Offer waits for up to some seconds until there are leases for a worker, which can
	// count fuel by rules up to metering.
	Offer(ctx context.Context, worker jobs.NodeID, capacity int, metering uint32) ([]desk.Lease, error)
	// Report hands in how attempts ended.
	Report(ctx context.Context, reports []jobs.Report) error
	// Heartbeat notes that a worker is alive, and tells which of its leases
	// are void.
	Heartbeat(worker jobs.NodeID, beat desk.Beat) (void []jobs.LeaseID, err error)
	// Slots is what a worker said in its last heartbeat, of them and of whether it
	// is paused; 0 if it is not heard of.
	Slots(worker jobs.NodeID) (slots int, paused bool)
	// Lend notes on what terms a worker's donor lends it.
	Lend(worker jobs.NodeID, terms placement.Terms)
	// Terms are on what a worker is lent, as its last heartbeat said.
	Terms(worker jobs.NodeID) placement.Terms
	// Decline notes that a worker's donor has ruled out the jobs of these leases, and
	// Declines says so of a job.
	Decline(worker jobs.NodeID, leases []jobs.LeaseID)
	Declines(worker jobs.NodeID, job jobs.JobID) bool
	// Left says whether a worker said, when it was last heard of, that it stops.
	Left(worker jobs.NodeID) bool
	// Fuel is about how much a job's running attempts have used so far, those of
	// which their workers have said so.
	Fuel(job jobs.JobID) map[jobs.LeaseID]uint64
	// Counting is how many live workers can count fuel by these rules, and how many
	// said that they know older ones alone.
	Counting(metering uint32) (able, outdated int)
}

// Tracker is where peers hear of each other.
type Tracker interface {
	// Introduce notes what a peer has and wants, and names others for each blob.
	Introduce(id jobs.NodeID, self swarm.Provider, list []desk.Announcement) ([][]swarm.Provider, error)
	// Probe has a node that an owner has reported looked at some time soon: whether it
	// serves wrong bytes of a blob.
	Probe(by jobs.OwnerID, node jobs.NodeID, id blob.ID)
}

// Results is where results are stored and read.
type Results interface {
	// Store keeps outputs on this coordinator's disk.
	Store(outputs [][]byte) error
	// Result is a small result's bytes, or nil if it is not here yet. Of a
	// large one it says only whether it is here.
	Result(ref blob.Ref) (data []byte, here bool)
	// Tell notes that a node may read a large result.
	Tell(node jobs.NodeID, id blob.ID)
	// Fits tells whether blobs that are not here yet have space on this coordinator's
	// disk, beside all that is to come already and a part for results;
	// blobstore.ErrFull if not.
	Fits(refs []blob.Ref) error
	// Lacks says why a job cannot go on for lack of what its tasks read. s is the state
	// as it is now.
	Lacks(s *jobs.State, id jobs.JobID) waits.Wait
	// Copying is what is still to come of a job's results that no coordinator has.
	Copying(job jobs.JobID) keeper.Copying
	// Demand has a job's results copied here though it came to nothing.
	Demand(job jobs.JobID)
	// DatasetSpace is how many bytes of datasets this coordinator's disk is for.
	DatasetSpace() int64
}

// Config is what the services work on.
type Config struct {
	Node    jobs.NodeID // this coordinator
	Replica *replica.Replica
	Desk    Desk
	Results Results
	// Chronicle is what this coordinator has seen of late.
	Chronicle *chronicle.Chronicle
	// Logs are what it keeps of the logs of attempts.
	Logs *logbook.Book
	// Members are the nodes that gossip knows, and Workers the live workers, with
	// where they serve what they have.
	Members func() []membership.Member
	// Heard is what gossip says of them. Unlike Members it may be asked while the state is
	// looked at.
	Heard   func() []membership.Member
	Workers func(context.Context) map[jobs.NodeID]string
	// Authorities sign the certificates of nodes that enrol.
	Authorities *identity.Authorities
	// ClockOf is how far a voter's clock is ahead of this machine's; false: it has
	// not been heard.
	ClockOf func(jobs.NodeID) (time.Duration, bool)
	// Retire takes a coordinator's vote; nil: there is none to take.
	Retire func(context.Context, jobs.NodeID) error
	// DialCoordinator gives a connection that is checked to be a coordinator's.
	DialCoordinator func(address string) (*gridconn.Conn, error)
	// Prove dials IP:PORT, and fails if it does not lead to that node.
	Prove func(ctx context.Context, node jobs.NodeID, address string) error
	// Signalled gets the signals that nodes send to this coordinator. It must return soon;
	// nil: it takes none.
	Signalled func(*anthillv1.IncomingSignal)
	// Pieces answers those who read blobs here.
	Pieces anthillv1.PieceServiceServer
	// Group is the raft group.
	Group Group
	// Backup writes an archive of the grid, with the blobs or without.
	Backup func(w io.Writer, blobs bool) error
	Logger *slog.Logger
}

// Server answers the grid's API.
type Server struct {
	anthillv1.UnimplementedJobServiceServer
	anthillv1.UnimplementedNodeServiceServer
	anthillv1.UnimplementedWorkServiceServer
	anthillv1.UnimplementedEnrolmentServiceServer
	anthillv1.UnimplementedCoordinatorServiceServer
	anthillv1.UnimplementedTrackerServiceServer
	anthillv1.UnimplementedBlobServiceServer
	anthillv1.UnimplementedOperationServiceServer
	anthillv1.UnimplementedSessionServiceServer
	anthillv1.UnimplementedAccountServiceServer
	anthillv1.UnimplementedAdminServiceServer
	cfg       Config
	grpc      *grpc.Server
	strangers *strangers
	health    *health.Server
	calls     *prometheus.CounterVec
	inFlight  inFlight
	burden    burden
	waiting   *logbook.Waiting
	rates     rates
	reads     reads
	seen      seen
	sessions  *sessions
	beats     *beats
	// looks has nodes dialled that say where they are, and whereabouts is what came of it.
	looks       reach.Looks
	whereabouts whereabouts
	began       time.Time
}

// New registers all services on a gRPC server with this identity. Connections that are
// not for it are handed over; those of strangers it takes itself.
func New(cfg Config, id *identity.Identity, hand identity.Handover) *Server {
	s := &Server{cfg: cfg, waiting: logbook.NewWaiting(), health: health.NewServer(), calls: newCalls(), sessions: newSessions(), beats: newBeats(), began: time.Now()}
	s.SetReady(false)
	s.looks.Prove = cfg.Prove
	s.strangers = newStrangers(s)
	hand.Stranger = s.strangers.take
	creds := newDoorway(identity.ServerCredentials(id, hand), &s.burden)
	s.grpc = grpc.NewServer(append(gridconn.ServerOptions(), grpc.Creds(creds),
		grpc.InTapHandle(s.admit), grpc.UnaryInterceptor(s.countUnary), grpc.StreamInterceptor(s.countStream))...)
	anthillv1.RegisterJobServiceServer(s.grpc, s)
	anthillv1.RegisterNodeServiceServer(s.grpc, s)
	anthillv1.RegisterWorkServiceServer(s.grpc, s)
	anthillv1.RegisterEnrolmentServiceServer(s.grpc, s)
	anthillv1.RegisterCoordinatorServiceServer(s.grpc, s)
	anthillv1.RegisterPieceServiceServer(s.grpc, cfg.Pieces)
	anthillv1.RegisterTrackerServiceServer(s.grpc, s)
	anthillv1.RegisterBlobServiceServer(s.grpc, s)
	anthillv1.RegisterOperationServiceServer(s.grpc, s)
	anthillv1.RegisterSessionServiceServer(s.grpc, s)
	anthillv1.RegisterAccountServiceServer(s.grpc, s)
	anthillv1.RegisterAdminServiceServer(s.grpc, s)
	healthv1.RegisterHealthServer(s.grpc, s.health)
	reflection.Register(s.grpc)
	return s
}

// Serve answers calls until Stop.
func (s *Server) Serve(l net.Listener) error {
	var aside sync.WaitGroup
	defer aside.Wait()
	aside.Go(s.strangers.serve)
	defer s.strangers.stop()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	aside.Go(func() { s.keepSessions(ctx) })
	aside.Go(func() { s.forwardBeats(ctx) })
	return s.grpc.Serve(l)
}

// Stop ends all calls.
func (s *Server) Stop() {
	s.health.Shutdown()
	s.grpc.Stop()
}
