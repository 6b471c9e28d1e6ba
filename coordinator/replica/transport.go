package replica

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"github.com/anthill-grid/anthill/internal/hclogslog"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/jobs"
)

// Address is a voter's raft address, NODE@HOST:PORT. It carries the node id so
// that a dialer can insist on that very node: with addresses alone, a node that
// took over another's port could be asked for its vote twice.
func Address(id jobs.NodeID, hostPort string) raft.ServerAddress {
	return raft.ServerAddress(string(id) + "@" + hostPort)
}

func splitAddress(a raft.ServerAddress) (jobs.NodeID, string, error) {
	id, hostPort, ok := strings.Cut(string(a), "@")
	if !ok {
		return "", "", fmt.Errorf("raft address %q: want NODE@HOST:PORT", a)
	}
	return jobs.NodeID(id), hostPort, nil
}

// Listener is raft's end of the one port: connections that the TLS handshake
// found to be another voter's are handed to it.
type Listener struct {
	address raft.ServerAddress
	dialTLS func(want jobs.NodeID) *tls.Config
	conns   chan net.Conn
	closed  chan struct{}
	once    sync.Once
}

// NewListener makes a listener for a voter at address. dialTLS gives the
// configuration for reaching a voter, and must refuse any other node.
func NewListener(address raft.ServerAddress, dialTLS func(want jobs.NodeID) *tls.Config) *Listener {
	return &Listener{address: address, dialTLS: dialTLS, conns: make(chan net.Conn), closed: make(chan struct{})}
}

// Transport is how voters talk.
type Transport interface {
	raft.Transport
	raft.WithPreVote
	raft.WithClose
}

// NewTransport is raft's transport over the listener.
func NewTransport(l *Listener, logger *slog.Logger) Transport {
	return raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
		Stream: l, MaxPool: 3, Timeout: 5 * time.Second, Logger: hclogslog.New(logger),
	})
}

// Hand gives the listener a connection, which is closed if nobody listens.
func (l *Listener) Hand(c net.Conn) {
	select {
	case l.conns <- c:
	case <-l.closed:
		c.Close()
	}
}

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.once.Do(func() { close(l.closed) })
	return nil
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr { return addr(l.address) }

// Dial implements raft.StreamLayer.
func (l *Listener) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	id, hostPort, err := splitAddress(address)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	c, err := reach.DialTLS(ctx, hostPort, l.dialTLS(id))
	if err != nil {
		return nil, fmt.Errorf("dial voter %s: %w", id.Short(), err)
	}
	if c.ConnectionState().NegotiatedProtocol == "" {
		return nil, errors.Join(fmt.Errorf("dial voter %s: it does not speak raft", id.Short()), c.Close())
	}
	return c, nil
}

type addr raft.ServerAddress

func (a addr) Network() string { return "anthill-raft" }
func (a addr) String() string  { return string(a) }
