package coordinator

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/coordinator/chronicle"
	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/keeper"
	"github.com/anthill-grid/anthill/coordinator/logbook"
	"github.com/anthill-grid/anthill/coordinator/publicpage"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/coordinator/rpc"
	"github.com/anthill-grid/anthill/coordinator/vitals"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/swarm"
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
	Listen string // HOST:PORT of everything
	// Advertise is HOST:PORT under which others know it; "": what Listen says.
	Advertise string
	// PublicPage is HOST:PORT at which everybody may see the grid's counts; "": nowhere.
	PublicPage string
	// Bootstrap founds a grid, unless Dir belongs to one.
	Bootstrap bool
	// Saboteurs is the share of strangers that a grid founded by Bootstrap takes
	// for saboteurs; a grid that has another one is not run. Default
	// jobs.DefaultSaboteurs, or what the grid has.
	Saboteurs jobs.Prob
	// Token joins a grid, unless Dir belongs to one.
	Token string
	// ReplaceAfter is for how long a voter is silent until a spare takes its place.
	// Default ReplaceAfter.
	ReplaceAfter time.Duration
	// Release is the program's version.
	Release string
	// Relay is how many bytes a second are carried between nodes that cannot reach
	// each other; 0: none.
	Relay  int64
	Logger *slog.Logger

	clock func() time.Time // for tests: this machine's clock; nil: time.Now
}

// Coordinator is a running voter.
type Coordinator struct {
	cfg        Config
	base       *node.Base
	voters     *gridconn.Pool // connections to coordinators
	gossip     *membership.Transport
	membership *membership.Membership
	raft       *replica.Listener
	replica    *replica.Replica
	chronicle  *chronicle.Chronicle
	vitals     *vitals.Vitals
	logs       *logbook.Book
	desk       *desk.Desk
	keeper     *keeper.Keeper
	rpc        *rpc.Server
	public     *publicpage.Page // nil: there is none
	roster     roster
	book       book
	states     states
}

// New opens the coordinator's port and disk, and enrols it where needed.
func New(ctx context.Context, cfg Config) (*Coordinator, error) {
	cfg.ReplaceAfter = cmp.Or(cfg.ReplaceAfter, ReplaceAfter)
	c := &Coordinator{cfg: cfg, chronicle: chronicle.New(), vitals: vitals.New(), states: states{odd: make(chan error, 1)}}
	if err := c.start(ctx); err != nil {
		return nil, errors.Join(err, c.stop())
	}
	return c, nil
}

// start goes from the ground up: identity, disk, raft, gossip, and the API
// last, so that nobody is answered by half a coordinator.
func (c *Coordinator) start(ctx context.Context) (err error) {
	c.base, err = node.NewBase(ctx, node.BaseConfig{
		Dir: c.cfg.Dir, Role: jobs.Coordinator, Token: c.cfg.Token, Listen: c.cfg.Listen, Address: c.cfg.Advertise, Quota: diskQuota,
		Relay: reach.RelayConfig{Rate: c.cfg.Relay, Owner: c.ownerOf}, Found: c.foundIfNew, Find: c.find, Logger: c.cfg.Logger,
	})
	if err != nil {
		return err
	}
	if c.logs, err = logbook.Open(filepath.Join(c.cfg.Dir, "attempts")); err != nil {
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
	if c.cfg.PublicPage != "" {
		c.public, err = publicpage.Listen(c.cfg.PublicPage, c.counts)
	}
	return err
}

func (c *Coordinator) startReplica() (err error) {
	id := c.base.Identity.Node()
	if err := c.checkOddity(); err != nil {
		return err
	}
	c.raft = replica.NewListener(replica.Address(id, c.base.Address), c.voterTLS)
	c.replica, err = replica.Open(replica.Config{
		Node: id, Address: c.base.Address, Dir: filepath.Join(c.cfg.Dir, "raft"),
		Transport: replica.NewTransport(c.raft, c.cfg.Logger), Logger: c.cfg.Logger, Alone: c.cfg.Bootstrap,
		Observe: c.observe, Proposed: c.vitals.Proposed, Clock: c.cfg.clock,
	})
	if err != nil {
		return err
	}
	for _, v := range c.replica.Servers() {
		if v.Node == id && v.Address != c.base.Address {
			c.cfg.Logger.Warn("this coordinator has moved: nodes and contexts that know it alone, and where it was, do not find it",
				"was", v.Address, "is", c.base.Address)
		}
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

// observe sees each command that was applied.
func (c *Coordinator) observe(cmd *jobs.Command, out jobs.Outcome, s *jobs.State) {
	c.chronicle.Observe(cmd, out, s)
	c.vitals.Observe(cmd, out)
}

func (c *Coordinator) startGossip() (err error) {
	c.gossip = membership.NewTransport(c.base.Address, c.dialGossip)
	c.membership, err = membership.New(membership.Config{
		Node: c.base.Identity.Node(), Role: jobs.Coordinator, Transport: c.gossip,
		SnapshotPath: filepath.Join(c.cfg.Dir, "gossip.snapshot"), Logger: c.cfg.Logger,
	})
	return err
}

func (c *Coordinator) startServices() {
	id := c.base.Identity
	c.desk = desk.New(desk.Config{
		Replica: c.replica, Probe: c.base.Swarm.Probe, Logger: c.cfg.Logger,
		Ready: func(s *jobs.State, id jobs.JobID) jobs.Place { return c.keeper.Ready(s, id) },
	})
	c.keeper = keeper.New(keeper.Config{
		Node: id.Node(), Replica: c.replica, Store: c.base.Store, Swarm: c.base.Swarm, Confirm: c.confirm,
		Members: c.membership.Members, Workers: c.workers, Spent: c.base.Volume.Err, Logger: c.cfg.Logger,
		Granted: func(node jobs.NodeID, b blob.ID, grant []byte) bool { return id.Granted(node, b, grant) },
		Leads:   c.desk.Leading, Ready: c.desk.LookAgain,
	})
	c.rpc = rpc.New(rpc.Config{
		Node: id.Node(), Replica: c.replica, Desk: c.desk, Results: c.keeper,
		Members: c.members, Heard: c.membership.Members, Workers: c.workers, Authorities: c.base.Authorities,
		ClockOf:   c.book.clockOf,
		Retire:    c.retire,
		Chronicle: c.chronicle, Logs: c.logs,
		Signalled:       c.signalled,
		Prove:           c.base.Paths.Prove,
		DialCoordinator: c.voters.Dial, Backup: c.backUp, Group: group{c}, Logger: c.cfg.Logger,
		Pieces: swarm.NewServer(swarm.ServerConfig{Store: c.base.Store, Allow: c.keeper.MayRead, Swarm: c.base.Swarm, Sign: c.base.Identity.SignServed}),
	}, id, c.handover())
	c.base.Paths.Join(reach.Session{Signal: c.rpc.Send, Coordinators: c.addresses, Host: func() string { return "" }})
}

// signalled takes what a node has this one told.
func (c *Coordinator) signalled(m *anthillv1.IncomingSignal) {
	c.base.Paths.Signalled(reach.Signal{From: jobs.NodeID(m.GetFrom()), FromHost: m.GetFromHost(), FromDialable: m.GetFromDialable(), Payload: m.GetPayload()})
}

// addresses are those of all coordinators.
func (c *Coordinator) addresses() (list []string) {
	for _, v := range c.replica.Servers() {
		list = append(list, v.Address)
	}
	return list
}

// handover says who takes what comes beside gRPC.
func (c *Coordinator) handover() identity.Handover {
	hand := c.base.Handover()
	back, relay := hand.Back, hand.Relay
	hand.Back = func(conn *tls.Conn, peer identity.Peer) {
		if c.letsIn(conn, peer) {
			back(conn, peer)
		}
	}
	hand.Relay = func(conn *tls.Conn, peer identity.Peer) {
		if c.letsIn(conn, peer) {
			relay(conn, peer)
		}
	}
	// One that was removed may believe that it still votes, and raft would believe it.
	hand.Raft = func(conn net.Conn, peer identity.Peer) {
		if c.letsIn(conn, peer) {
			c.raft.Hand(conn)
		}
	}
	hand.Gossip = c.takeGossip
	return hand
}

// letsIn hangs up on a node that is shut out: it hears why from its next call.
func (c *Coordinator) letsIn(conn net.Conn, peer identity.Peer) bool {
	why := ""
	c.replica.View(func(s *jobs.State) { why = s.ShutOut(peer.Node) })
	if why != "" {
		_ = conn.Close() // it has no part in this grid
	}
	return why == ""
}

// ownerOf is whom the traffic of a node is counted for.
func (c *Coordinator) ownerOf(id jobs.NodeID) (owner string) {
	c.replica.View(func(s *jobs.State) {
		if n := s.Nodes[id]; n != nil {
			owner = string(n.Owner)
		}
	})
	return owner
}

// Node is the coordinator's id.
func (c *Coordinator) Node() jobs.NodeID { return c.base.Identity.Node() }

// Address is where the coordinator serves.
func (c *Coordinator) Address() string { return c.base.Address }

// Grid is the grid's id.
func (c *Coordinator) Grid() string { return c.base.Identity.Grid }

// Run serves until ctx ends.
func (c *Coordinator) Run(ctx context.Context) error {
	var loops sync.WaitGroup
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	loops.Go(func() { c.keepGossiping(ctx) })
	loops.Go(func() { c.keepAddress(ctx) })
	loops.Go(func() { c.base.KeepCertificate(ctx) })
	loops.Go(func() { c.lookForLeader(ctx) })
	loops.Go(func() { c.lead(ctx) })
	loops.Go(func() { c.keeper.Run(ctx) })
	loops.Go(func() { c.chronicle.Run(ctx, c.replica.View) })
	loops.Go(func() { c.sweepLogs(ctx) })
	loops.Go(func() { c.keepHealth(ctx) })
	loops.Go(func() { c.base.Swarm.ReportCaught(ctx, c.accuse) })
	failed := make(chan error, 5)
	go func() {
		failed <- fmt.Errorf("serve on %s: %w", c.base.Address, c.rpc.Serve(c.base.Listener))
	}()
	for _, watch := range []func(context.Context) error{c.checkSaboteurs, c.heedOutlaws, c.heedOddity, c.servePublicPage} {
		loops.Go(func() {
			if err := watch(ctx); err != nil {
				failed <- err
			}
		})
	}
	var err error
	select {
	case err = <-failed:
	case <-ctx.Done():
		c.stepDown()
	}
	cancel()
	c.rpc.Stop()
	loops.Wait()
	return errors.Join(err, c.stop())
}

// stop closes what start opened, the last first.
func (c *Coordinator) stop() error {
	var errs []error
	if c.public != nil {
		if err := c.public.Close(); !errors.Is(err, net.ErrClosed) { // it may have run
			errs = append(errs, err)
		}
	}
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
