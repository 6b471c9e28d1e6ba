package swarm

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials"

	"github.com/anthill-grid/anthill/internal/reach"
)

const (
	// flowWindow is how much a peer may send ahead. The default of 64 KiB halves
	// the rate already on a LAN.
	flowWindow = 4 << 20
	// idleAfter is when an unused connection is closed; using it opens it again.
	idleAfter = time.Minute
	// retryWithin is the longest time for which a peer that could not be reached is
	// not tried: it may be back, and waiting for it is what gRPC would do for up to
	// 2 minutes.
	retryWithin = 2 * time.Second
	// connectTime is how long one try may take.
	connectTime = 3 * time.Second
	// manyConns is when connections to peers long gone are looked for.
	manyConns = 256
)

// Pool keeps a connection to each peer.
type Pool struct {
	creds   credentials.TransportCredentials
	options []grpc.DialOption
	paths   *reach.Room // nil: peers are dialled

	mu    sync.Mutex
	conns map[reach.Target]*grpc.ClientConn // nil once closed

	life context.Context // ends with Close
	end  context.CancelFunc
	old  sync.WaitGroup // connections that are used to their end
}

// NewPool makes a Pool, to be closed after use, of connections by whatever paths there
// are.
func NewPool(creds credentials.TransportCredentials, paths *reach.Room) *Pool {
	p := newPool(creds)
	p.paths = paths
	paths.OnBetter(p.renew)
	return p
}

// renew has new calls to a peer go by a new connection. The old one ends once nothing has
// gone over it for a while.
func (p *Pool) renew(at reach.Target) {
	p.mu.Lock()
	defer p.mu.Unlock()
	old := p.conns[at]
	if old == nil {
		return
	}
	delete(p.conns, at)
	p.old.Go(func() {
		for state := old.GetState(); state != connectivity.Idle && old.WaitForStateChange(p.life, state); state = old.GetState() {
		}
		_ = old.Close() // it has nothing to lose
	})
}

// NewDialer makes a Pool, to be closed after use; its method Dial is a Dialer.
func NewDialer(cfg *tls.Config, options ...grpc.DialOption) *Pool {
	p := newPool(credentials.NewTLS(cfg))
	p.options = options
	return p
}

func newPool(creds credentials.TransportCredentials) *Pool {
	p := &Pool{creds: creds, conns: make(map[reach.Target]*grpc.ClientConn)}
	p.life, p.end = context.WithCancel(context.Background())
	return p
}

// Dial gives the connection to a peer. It does not wait for it to stand.
func (p *Pool) Dial(_ context.Context, peer Provider) (grpc.ClientConnInterface, error) {
	at := reach.Target{Node: peer.Node, Address: peer.Address}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.conns == nil {
		return nil, errors.New("dial: pool is closed")
	}
	if conn := p.conns[at]; conn != nil {
		return conn, nil
	}
	if len(p.conns) >= manyConns {
		p.closeIdle()
	}
	retry := backoff.DefaultConfig
	retry.BaseDelay, retry.MaxDelay = 100*time.Millisecond, retryWithin
	conn, err := grpc.NewClient("passthrough:///"+peer.Address, append([]grpc.DialOption{
		grpc.WithTransportCredentials(p.creds),
		grpc.WithInitialWindowSize(flowWindow),
		grpc.WithInitialConnWindowSize(2 * flowWindow),
		grpc.WithIdleTimeout(idleAfter),
		grpc.WithConnectParams(grpc.ConnectParams{Backoff: retry, MinConnectTimeout: connectTime}),
		p.dialOption(at),
	}, p.options...)...)
	if err != nil {
		return nil, fmt.Errorf("dial %s: %w", peer.Address, err)
	}
	p.conns[at] = conn
	return conn, nil
}

func (p *Pool) dialOption(at reach.Target) grpc.DialOption {
	if p.paths == nil {
		return reach.DialOption()
	}
	return grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return p.paths.Dial(ctx, at) })
}

// closeIdle is called with mu held.
func (p *Pool) closeIdle() {
	for at, conn := range p.conns {
		if conn.GetState() == connectivity.Idle {
			_ = conn.Close() // an idle connection has nothing to lose
			delete(p.conns, at)
		}
	}
}

// Close closes all connections.
func (p *Pool) Close() error {
	defer p.old.Wait()
	p.end()
	p.mu.Lock()
	defer p.mu.Unlock()
	var errs []error
	for _, conn := range p.conns {
		errs = append(errs, conn.Close())
	}
	p.conns = nil
	return errors.Join(errs...)
}
