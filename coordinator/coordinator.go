package coordinator

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/keeper"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/coordinator/rpc"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// diskQuota bounds the blobs that a coordinator keeps; what no job needs any
// more goes first.
const diskQuota = 256 << 30

// Config says where a coordinator lives, and how it becomes part of a grid:
// by founding one, by a token, or by what is in Dir from last time.
type Config struct {
	Dir    string
	Listen string // HOST:PORT of gRPC and raft
	Gossip string // HOST:PORT; empty: Listen's host, and the next port
	// Bootstrap founds a grid, unless Dir belongs to one.
	Bootstrap bool
	// Saboteurs is the share of strangers that a grid founded by Bootstrap takes
	// for saboteurs. Default jobs.DefaultSaboteurs.
	Saboteurs jobs.Prob
	// Token joins a grid, unless Dir belongs to one.
	Token  string
	Logger *slog.Logger
}

// Coordinator is a running voter.
type Coordinator struct {
	cfg        Config
	base       *node.Base
	voters     *gridconn.Pool // connections to coordinators
	membership *membership.Membership
	raft       *replica.Listener
	replica    *replica.Replica
	desk       *desk.Desk
	keeper     *keeper.Keeper
	rpc        *rpc.Server
	// clocks is how far the other voters' clocks are ahead, as the leader heard last.
	clocks atomic.Pointer[map[jobs.NodeID]time.Duration]
}

// New opens the coordinator's port and disk, and enrols it where needed.
func New(ctx context.Context, cfg Config) (*Coordinator, error) {
	c := &Coordinator{cfg: cfg}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// start goes from the ground up: identity, disk, raft, gossip, and the API
// last, so that nobody is answered by half a coordinator.
func (c *Coordinator) start(ctx context.Context) (err error) {
	c.base, err = node.NewBase(ctx, node.BaseConfig{
		Dir: c.cfg.Dir, Role: jobs.Coordinator, Token: c.cfg.Token, Listen: c.cfg.Listen, Quota: diskQuota,
		Found: c.foundIfNew, Find: c.find, Logger: c.cfg.Logger,
	})
	if err != nil {
		return err
	}
	c.voters = gridconn.NewPool(c.base.Identity)
	if err := c.startReplica(); err != nil {
		return err
	}
	if err := c.startGossip(); err != nil {
		return err
	}
	c.startServices()
	return nil
}

func (c *Coordinator) startReplica() (err error) {
	id := c.base.Identity.Node()
	c.raft = replica.NewListener(replica.Address(id, c.base.Address), c.voterTLS)
	c.replica, err = replica.Open(replica.Config{
		Node: id, Address: c.base.Address, Dir: filepath.Join(c.cfg.Dir, "raft"),
		Transport: replica.NewTransport(c.raft, c.cfg.Logger), Logger: c.cfg.Logger, Alone: c.cfg.Bootstrap,
	})
	if err != nil {
		return err
	}
	switch {
	case c.cfg.Bootstrap && !c.replica.Bootstrapped():
		if err := c.bootstrap(); err != nil {
			return err
		}
	case c.cfg.Bootstrap && len(c.replica.Voters()) > 1:
		if err := c.replica.Settle(); err != nil {
			return err
		}
	}
	return c.markBegun()
}

// bootstrap makes the first voter, of the grid that this node founded: in one
// that it joined, or that has begun, it would be a second group with a state of its
// own.
func (c *Coordinator) bootstrap() error {
	if _, err := identity.Load(OperatorDir(c.cfg.Dir)); err != nil {
		return problem.Invalid("start this coordinator without --bootstrap",
			"bootstrap %s: it belongs to a grid that it did not found: %w", c.cfg.Dir, err)
	}
	if _, err := os.Stat(c.begun()); !errors.Is(err, fs.ErrNotExist) {
		return problem.Invalid("start this coordinator without --bootstrap, and it hears all from the grid's others; if there are none, the grid is lost, and an empty directory begins another",
			"bootstrap %s: its grid has begun, and the log is gone", c.cfg.Dir)
	}
	return c.replica.Bootstrap()
}

// begun is a file that is there once this coordinator has had a log: not beside it, so
// that it stays where that is lost.
func (c *Coordinator) begun() string { return filepath.Join(c.cfg.Dir, "begun") }

func (c *Coordinator) markBegun() error {
	if !c.replica.Bootstrapped() {
		return nil
	}
	if err := os.WriteFile(c.begun(), nil, 0o600); err != nil {
		return fmt.Errorf("mark that the grid has begun: %w", err)
	}
	return nil
}

func (c *Coordinator) startGossip() (err error) {
	bind := c.cfg.Gossip
	if bind == "" {
		if bind, err = gossipPort(c.cfg.Listen, c.base.Listener.Addr()); err != nil {
			return err
		}
	}
	c.membership, err = membership.New(membership.Config{
		Node: c.base.Identity.Node(), Role: jobs.Coordinator, Address: c.base.Address, Bind: bind,
		Key: c.base.GossipKey, SnapshotPath: filepath.Join(c.cfg.Dir, "gossip.snapshot"), Logger: c.cfg.Logger,
	})
	return err
}

// gossipPort is where gossip goes unless it is told otherwise: the next port or,
// where any port would do for the rest, any.
func gossipPort(asked string, a net.Addr) (string, error) {
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return "", err
	}
	if strings.HasSuffix(asked, ":0") {
		return net.JoinHostPort(host, "0"), nil
	}
	n, err := strconv.Atoi(port)
	if err != nil || n >= 65535 {
		return "", fmt.Errorf("no port after %s for gossip: choose one with --gossip", a)
	}
	return net.JoinHostPort(host, strconv.Itoa(n+1)), nil
}

func (c *Coordinator) startServices() {
	id := c.base.Identity
	c.desk = desk.New(desk.Config{Replica: c.replica, Probe: c.base.Swarm.Probe, Logger: c.cfg.Logger})
	c.keeper = keeper.New(keeper.Config{
		Node: id.Node(), Replica: c.replica, Store: c.base.Store, Swarm: c.base.Swarm, Confirm: c.confirm,
		Members: c.membership.Members, Spent: c.base.Volume.Err, Logger: c.cfg.Logger,
	})
	c.rpc = rpc.New(rpc.Config{
		Node: id.Node(), Address: c.base.Address, Replica: c.replica, Desk: c.desk, Results: c.keeper,
		Members: c.membership.Members, Authority: c.base.Authority, GossipKey: c.base.GossipKey,
		ClockOf:         c.clockOf,
		DialCoordinator: c.voters.Dial, Logger: c.cfg.Logger,
		Pieces: swarm.NewServer(swarm.ServerConfig{Store: c.base.Store, Allow: c.keeper.MayRead, Swarm: c.base.Swarm}),
	}, identity.ServerCredentials(id, func(conn net.Conn, _ identity.Peer) { c.raft.Hand(conn) }))
}

// Address is where the coordinator serves.
func (c *Coordinator) Address() string { return c.base.Address }

// Grid is the grid's id.
func (c *Coordinator) Grid() string { return c.base.Identity.Grid }

// Run serves until ctx ends.
func (c *Coordinator) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loops.Go(func() { c.base.KeepGossiping(ctx, c.cfg.Dir, c.membership, c.cfg.Logger) })
	loops.Go(func() { c.lead(ctx) })
	loops.Go(func() { c.keeper.Run(ctx) })
	loops.Go(func() { c.base.Swarm.ReportCaught(ctx, c.accuse) })
	served := make(chan error, 1)
	go func() { served <- c.rpc.Serve(c.base.Listener) }()
	var err error
	select {
	case err = <-served:
		err = fmt.Errorf("serve on %s: %w", c.base.Address, err)
	case <-ctx.Done():
		c.stepDown()
	}
	cancel()
	c.rpc.Stop()
	loops.Wait()
	return errors.Join(err, c.stop())
}

// stepDown hands leadership over before leaving, so that nobody has to find
// out by silence.
func (c *Coordinator) stepDown() {
	if c.desk.Leading() {
		if err := c.replica.TransferLeadership(); err != nil {
			c.cfg.Logger.Debug("transfer leadership", "error", err)
		}
	}
	if err := c.membership.Leave(); err != nil {
		c.cfg.Logger.Debug("leave gossip", "error", err)
	}
}

// stop closes what start opened, the last first.
func (c *Coordinator) stop() error {
	var errs []error
	if c.membership != nil {
		errs = append(errs, c.membership.Shutdown())
	}
	if c.raft != nil {
		errs = append(errs, c.raft.Close())
	}
	if c.replica != nil {
		errs = append(errs, c.replica.Close())
	}
	if c.voters != nil {
		errs = append(errs, c.voters.Close())
	}
	if c.base != nil {
		errs = append(errs, c.base.Close())
	}
	return errors.Join(errs...)
}

// lead runs the desk and recruits voters whenever this coordinator is elected.
func (c *Coordinator) lead(ctx context.Context) {
	var term sync.WaitGroup
	stop := func() {}
	for {
		select {
		case leader := <-c.replica.LeaderCh():
			stop()
			term.Wait()
			if leader {
				var termCtx context.Context
				termCtx, stop = context.WithCancel(ctx)
				term.Go(func() { c.rule(termCtx) })
			}
		case <-ctx.Done():
			stop()
			term.Wait()
			return
		}
	}
}

// rule is one term as the leader.
func (c *Coordinator) rule(ctx context.Context) {
	c.cfg.Logger.Info("leading", "node", c.base.Identity.Node().Short())
	defer c.cfg.Logger.Info("not leading any more", "node", c.base.Identity.Node().Short())
	defer c.desk.Close()
	for {
		err := c.begin(ctx)
		if err == nil {
			break
		}
		c.cfg.Logger.Warn("begin to lead", "error", err)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
	if err := c.replica.Settle(); err != nil {
		c.cfg.Logger.Warn("settle", "error", err)
	}
	var loops sync.WaitGroup
	loops.Go(func() { c.recruit(ctx) })
	loops.Go(func() { c.survey(ctx) })
	loops.Go(func() { c.desk.Run(ctx) })
	loops.Wait()
}

// begin opens the desk on a state in which all is applied that former leaders
// committed.
func (c *Coordinator) begin(ctx context.Context) error {
	if err := c.replica.Barrier(); err != nil {
		return err
	}
	if err := c.heedVoters(ctx, hasteWait); err != nil {
		return err
	}
	if err := c.foundState(ctx); err != nil {
		return err
	}
	return c.desk.Open(ctx)
}

// confirm tells the leader, who may be this coordinator, what is held.
func (c *Coordinator) confirm(ctx context.Context, held jobs.ConfirmHeld) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if c.desk.Leading() {
		return c.desk.Confirm(ctx, held)
	}
	conn, err := c.leader()
	if err != nil {
		return err
	}
	_, err = anthillv1.NewCoordinatorServiceClient(conn).ConfirmHeld(ctx, wire.ConfirmToProto(held))
	return err
}

// leader is a connection to another coordinator, who leads.
func (c *Coordinator) leader() (*gridconn.Conn, error) {
	_, address, ok := c.replica.Leader()
	if !ok {
		return nil, desk.ErrNoLeader
	}
	return c.voters.Dial(address)
}

// find asks the leader, who may be this coordinator, who else has or wants a blob
// that is to be held. It says nothing of results: to name one is to tell whoever
// has the same answer that somebody else has given it, and only the node that made
// a result is asked for it. Nothing is fetched before the desk is there.
func (c *Coordinator) find(ctx context.Context, id blob.ID) ([]swarm.Provider, time.Duration, error) {
	if !c.keeper.Holds(id) {
		return nil, desk.AnnounceEvery, nil
	}
	if c.desk.Leading() {
		return c.desk.FindFor(c.base.Identity.Node(), c.base.Address, id)
	}
	conn, err := c.leader()
	if err != nil {
		return nil, 0, err
	}
	return swarm.Announce(ctx, anthillv1.NewTrackerServiceClient(conn), c.base.Address, id, false)
}

// accuse tells the leader, who may be this coordinator, who served wrong bytes.
func (c *Coordinator) accuse(ctx context.Context, caught swarm.Caught) error {
	if c.desk.Leading() {
		_, err := c.desk.Propose(ctx, jobs.Command{Accuse: &jobs.AccusePeers{By: c.base.Identity.Node(), Nodes: []jobs.NodeID{caught.Node}}})
		return err
	}
	conn, err := c.leader()
	if err != nil {
		return err
	}
	return caught.Report(ctx, anthillv1.NewTrackerServiceClient(conn))
}
