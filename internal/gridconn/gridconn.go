// Package gridconn connects to a grid by all of its coordinators at once, so
// that the loss of any one of them is a repeated call and no more.
package gridconn

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/attributes"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// peerStreams is how many calls at a time one connection may have at a worker or a
	// submitter, which serve pieces and nothing else, and peerMessage what one may send:
	// it asks for 4,096 small blobs at once.
	peerStreams = 128
	peerMessage = 1 << 20

	window     = 4 << 20
	maxMessage = 16 << 20
	// unread is how much of a call a server takes that its handler has not asked for. A
	// message that is asked for may be larger.
	unread = 64 << 10
	// maxHeaders bounds what a call's headers may have, unpacked: HPACK's references
	// let a few bytes on the line stand for much.
	maxHeaders = 16 << 10
	// probeEvery is how often a client probes a connection on which it waits.
	// Servers that expect it less often than that hang up.
	probeEvery = 10 * time.Second
)

// hangUp is when servers hang up: on who does not answer within 20 seconds when they ask
// after a minute of silence, and on who has called nothing for long.
var hangUp = keepalive.ServerParameters{Time: time.Minute, Timeout: 20 * time.Second, MaxConnectionIdle: 30 * time.Minute}

// Conn is a gRPC connection that spreads calls over the coordinators it knows.
type Conn struct {
	*grpc.ClientConn
	addresses *manual.Resolver
	lines     *lines

	mu    sync.Mutex
	known []string // sorted
}

// Dial connects to coordinators at these HOST:PORTs, in the background. Servers
// must prove to be coordinators of the identity's grid.
func Dial(id *identity.Identity, addresses []string) (*Conn, error) {
	c := &Conn{addresses: manual.NewBuilderWithScheme("anthill"), lines: &lines{list: map[string]*line{}}}
	c.known = sorted(addresses)
	c.addresses.InitialState(c.stateOf(c.known))
	retry := backoff.DefaultConfig
	retry.BaseDelay, retry.MaxDelay = 100*time.Millisecond, time.Second
	conn, err := grpc.NewClient("anthill:///"+id.Grid, append(slices.Concat(textOption(), aliveOption()),
		grpc.WithResolvers(c.addresses),
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"`+inTurn+`": {}}]}`),
		grpc.WithTransportCredentials(identity.ClientCredentials(id, identity.WantRole(jobs.Coordinator))),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: 3 * time.Second}),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: probeEvery, Timeout: 3 * time.Second}),
		grpc.WithInitialWindowSize(window), grpc.WithInitialConnWindowSize(window),
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(maxMessage), grpc.MaxCallSendMsgSize(maxMessage)),
		grpc.WithIdleTimeout(0), reach.WatchedDialOption(c.watch))...)
	if err != nil {
		return nil, fmt.Errorf("connect to grid %s: %w", id.Grid, err)
	}
	c.ClientConn = conn
	conn.Connect()
	return c, nil
}

// Learn replaces the coordinators, and says whether that changed anything. An
// empty list is ignored.
func (c *Conn) Learn(addresses []string) bool {
	addresses = sorted(addresses)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(addresses) == 0 || slices.Equal(addresses, c.known) {
		return false
	}
	c.known = addresses
	c.addresses.UpdateState(c.stateOf(addresses))
	return true
}

// Known are the coordinators' addresses, sorted.
func (c *Conn) Known() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.known)
}

func sorted(addresses []string) []string {
	list := slices.Clone(addresses)
	slices.Sort(list)
	return slices.Compact(list)
}

func (c *Conn) stateOf(addresses []string) resolver.State {
	var state resolver.State
	for _, a := range addresses {
		state.Endpoints = append(state.Endpoints, resolver.Endpoint{
			Addresses: []resolver.Address{{Addr: a}}, Attributes: attributes.New(linesKey{}, c.lines),
		})
	}
	return state
}

// ServerOptions are what servers of the grid need to work with Dial: the same message
// sizes, and leave for clients to probe a silent connection. Stopping such a server waits for its handlers, so that what they
// use can be closed then.
func ServerOptions() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.WaitForHandlers(true),
		grpc.StaticStreamWindowSize(unread), grpc.InitialConnWindowSize(2 * window),
		grpc.MaxRecvMsgSize(maxMessage), grpc.MaxSendMsgSize(maxMessage), grpc.MaxHeaderListSize(maxHeaders),
		grpc.KeepaliveParams(hangUp),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: probeEvery / 2, PermitWithoutStream: true}),
	}
}

// PeerServerOptions are ServerOptions for those who serve pieces and nothing else.
func PeerServerOptions() []grpc.ServerOption {
	return append(ServerOptions(), grpc.MaxConcurrentStreams(peerStreams), grpc.MaxRecvMsgSize(peerMessage))
}

// Pool keeps a connection to each single coordinator that it was asked for.
type Pool struct {
	id *identity.Identity

	mu    sync.Mutex
	conns map[string]*Conn
}

// NewPool makes an empty pool, to be closed after use.
func NewPool(id *identity.Identity) *Pool { return &Pool{id: id, conns: map[string]*Conn{}} }

// Dial gives the connection to the coordinator at HOST:PORT.
func (p *Pool) Dial(address string) (*Conn, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c := p.conns[address]; c != nil {
		return c, nil
	}
	c, err := Dial(p.id, []string{address})
	if err == nil {
		p.conns[address] = c
	}
	return c, err
}

// Close closes all connections.
func (p *Pool) Close() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, c := range p.conns {
		errs = append(errs, c.Close())
	}
	p.conns = map[string]*Conn{}
	return errors.Join(errs...)
}
