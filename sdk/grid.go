package sdk

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/contexts"
	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Config says which grid to connect to, and how.
type Config struct {
	// Grid is the name of a context or the path of an identity directory.
	// Default: $ANTHILL_GRID or, where that is not set, the current context.
	Grid string
	// Patience is how long a call, or a stream that was lost, tries again
	// while no coordinator answers. Default 15 s.
	Patience time.Duration
	// Advertise are HOST:PORTs at which others may reach what this process serves, at
	// the same port of this machine: a router passes it on.
	Advertise []string
	// PortMapping lets a process that serves something ask its router (by PCP, NAT-PMP or
	// UPnP) to open a port where nobody can dial it otherwise. It is given back at the end.
	PortMapping bool
	// Waiting, where set, is told of each call that no coordinator has answered for some
	// seconds, once. It may be called from several goroutines at a time.
	Waiting func(text string)
	// Logger tells of retries, at level debug. Default: no log.
	Logger *slog.Logger
}

// Grid is a connection to all coordinators of a grid. It may be used by many
// goroutines.
type Grid struct {
	identity *identity.Identity
	home     string // the directory of the identity
	patience time.Duration
	waiting  func(text string)
	// advertise and portMapping are Config's.
	advertise   []string
	portMapping bool
	logger      *slog.Logger

	conn      *gridconn.Conn
	jobs      anthillv1.JobServiceClient
	nodes     anthillv1.NodeServiceClient
	enrolment anthillv1.EnrolmentServiceClient
	operation anthillv1.OperationServiceClient
	blobs     anthillv1.BlobServiceClient
	accounts  anthillv1.AccountServiceClient
	admin     anthillv1.AdminServiceClient

	life    context.Context // ends with Close
	end     context.CancelFunc
	learned chan struct{} // closed when learn has ended

	mu     sync.Mutex
	closed bool
	large  *resultStore // opened when the first large result is fetched
}

// Connect opens the identity of a grid and begins to connect. It does not wait
// for a coordinator: the first call does. It is an error of kind ErrNotFound if
// there is no such context or identity, and of kind ErrInvalid if the identity
// names no coordinators.
func Connect(ctx context.Context, cfg Config) (*Grid, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	path, err := contexts.Resolve(cfg.Grid)
	if err != nil {
		return nil, err
	}
	dir, err := identity.Load(path)
	if errors.Is(err, identity.ErrNoIdentity) {
		return nil, problem.NotFound("join the grid again: anthill join TOKEN", "connect: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	if len(dir.Coordinators) == 0 {
		return nil, problem.Invalid("join the grid again: anthill join TOKEN", "connect: %s names no coordinators", path)
	}
	if err := enrol.Wake(ctx, dir, path); err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return open(dir, path, cfg)
}

func open(dir *identity.Directory, path string, cfg Config) (*Grid, error) {
	if cfg.Patience == 0 {
		cfg.Patience = 15 * time.Second
	}
	if cfg.Waiting == nil {
		cfg.Waiting = func(string) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	conn, err := gridconn.Dial(dir.Identity, dir.Coordinators)
	if err != nil {
		return nil, err
	}
	g := &Grid{
		identity: dir.Identity, home: path, patience: cfg.Patience, waiting: cfg.Waiting, advertise: cfg.Advertise, portMapping: cfg.PortMapping, logger: cfg.Logger,
		conn: conn, jobs: anthillv1.NewJobServiceClient(conn),
		nodes: anthillv1.NewNodeServiceClient(conn), enrolment: anthillv1.NewEnrolmentServiceClient(conn),
		operation: anthillv1.NewOperationServiceClient(conn),
		blobs:     anthillv1.NewBlobServiceClient(conn),
		accounts:  anthillv1.NewAccountServiceClient(conn),
		admin:     anthillv1.NewAdminServiceClient(conn),
		learned:   make(chan struct{}),
	}
	g.life, g.end = context.WithCancel(context.Background())
	go g.learn(dir, path)
	return g, nil
}

// learn asks for the coordinators that there are now, and keeps them for the
// next time: a grid may have grown since this identity joined. Nothing depends on
// it.
func (g *Grid) learn(dir *identity.Directory, path string) {
	defer close(g.learned)
	ctx, cancel := context.WithTimeout(g.life, callTime)
	defer cancel()
	if dir.Identity.Due(time.Now()) {
		if err := enrol.Renew(ctx, dir, path); err != nil {
			g.logger.Debug("failed to renew the certificate", "error", err)
		}
	}
	resp, err := g.nodes.ListNodes(ctx, &anthillv1.ListNodesRequest{Role: anthillv1.Role_ROLE_COORDINATOR, PageSize: largestPage})
	if err != nil {
		g.logger.Debug("failed to ask for the coordinators", "error", err)
		return
	}
	var addresses []string
	for _, n := range resp.GetNodes() {
		if n.GetVoter() && n.GetAddress() != "" {
			addresses = append(addresses, n.GetAddress())
		}
	}
	if !g.conn.Learn(addresses) {
		return
	}
	known := *dir
	known.Coordinators = g.conn.Known()
	if err := known.SaveGrid(path); err != nil {
		g.logger.Debug("failed to save the coordinators", "error", err)
	}
}

// Close ends the connection and removes what was kept for it. Closing again
// does nothing.
func (g *Grid) Close() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return nil
	}
	g.closed = true
	g.end()
	err := g.conn.Close()
	<-g.learned // it may be writing
	if g.large != nil {
		err = errors.Join(err, g.large.close())
		g.large = nil
	}
	return err
}

// Coordinators are the addresses that are tried, HOST:PORT.
func (g *Grid) Coordinators() []string { return g.conn.Known() }

// Role is what this identity may do in the grid.
func (g *Grid) Role() jobs.Role { return g.identity.Role }

// Job describes one job. It is an error of kind ErrNotFound if there is none of
// this id.
func (g *Grid) Job(ctx context.Context, id string) (*anthillv1.Job, error) {
	resp, err := call(ctx, g, "get job", func(ctx context.Context) (*anthillv1.GetJobResponse, error) {
		return g.jobs.GetJob(ctx, &anthillv1.GetJobRequest{JobId: id})
	})
	return resp.GetJob(), err
}

// Jobs describes all jobs of this identity's owner (for an operator: of anybody) that the
// grid remembers, newest first, without their specs. See EachJob for some of them.
func (g *Grid) Jobs(ctx context.Context) ([]*anthillv1.Job, error) {
	return gather(g.EachJob(ctx, nil))
}

// Task describes one task of a job: who tried it, what each answered, and what
// the grid concludes. It is an error of kind ErrNotFound if there is no such job
// or task, and of kind ErrRefused if the job is somebody else's.
func (g *Grid) Task(ctx context.Context, id string, index uint32) (*anthillv1.GetTaskResponse, error) {
	return call(ctx, g, "get task", func(ctx context.Context) (*anthillv1.GetTaskResponse, error) {
		return g.jobs.GetTask(ctx, &anthillv1.GetTaskRequest{JobId: id, Task: index})
	})
}

// Nodes describes the coordinators and workers of the grid, in the order of role
// and id.
func (g *Grid) Nodes(ctx context.Context) ([]*anthillv1.Node, error) {
	return gather(g.EachNode(ctx, nil))
}

// Cancel stops a job. It is an error of kind ErrNotFound if there is none of this
// id, and of kind ErrRefused if it has finished or is somebody else's.
func (g *Grid) Cancel(ctx context.Context, id string) (*anthillv1.Job, error) {
	req := &anthillv1.CancelJobRequest{JobId: id, RequestId: rand.Text()}
	resp, err := call(ctx, g, "cancel job", func(ctx context.Context) (*anthillv1.CancelJobResponse, error) {
		return g.jobs.CancelJob(ctx, req)
	})
	return resp.GetJob(), err
}

// CreateToken makes a join token, for operators and coordinators: others get an
// error of kind ErrRefused. It is one of kind ErrInvalid if the request makes no
// sense. A request_id is made if there is none.
func (g *Grid) CreateToken(ctx context.Context, req *anthillv1.CreateTokenRequest) (*anthillv1.CreateTokenResponse, error) {
	if req.GetRequestId() == "" {
		req.RequestId = rand.Text()
	}
	return call(ctx, g, "create token", func(ctx context.Context) (*anthillv1.CreateTokenResponse, error) {
		return g.enrolment.CreateToken(ctx, req)
	})
}

// isEnd tells the end of a stream from a failure.
func isEnd(err error) bool { return errors.Is(err, io.EOF) }
