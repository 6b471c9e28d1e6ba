package identity

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"sync"

	"google.golang.org/grpc/credentials"

	"github.com/anthill-grid/anthill/jobs"
)

// gate keeps those out that the grid has shut out, whatever their certificates say, and
// knows the connections with all others, to hang up on them when their turn comes. The
// zero value keeps nobody out.
type gate struct {
	mu    sync.Mutex
	out   map[jobs.NodeID]bool
	conns map[jobs.NodeID]map[*watched]bool
	// baseless says of what a peer has shown that it is good for nothing any more; nil:
	// all is as good as it was.
	baseless func(shown []*x509.Certificate) bool
}

// ShutOut replaces the nodes that this one has nothing to do with any more: connections
// with them are closed, and no others are made. A coordinator still hears their calls,
// each of which it refuses with the reason.
func (id *Identity) ShutOut(nodes map[jobs.NodeID]bool) {
	g := &id.gate
	g.mu.Lock()
	var over []*watched
	for node := range nodes {
		if !g.out[node] {
			for w := range g.conns[node] {
				over = append(over, w)
			}
		}
	}
	g.out = nodes
	g.mu.Unlock()
	for _, w := range over {
		_ = w.Close() // nobody is to read its error
	}
}

// hangUp closes the connections of peers that have shown what is good for nothing any more.
// A handshake that was made before, and is noted after, ends likewise.
func (g *gate) hangUp(baseless func(shown []*x509.Certificate) bool) {
	g.mu.Lock()
	g.baseless = baseless
	var over []*watched
	for _, conns := range g.conns {
		for w := range conns {
			if baseless(w.shown) {
				over = append(over, w)
			}
		}
	}
	g.mu.Unlock()
	for _, w := range over {
		_ = w.Close() // nobody is to read its error
	}
}

// admits refuses a peer that is shut out.
func (id *Identity) admits(p Peer, state tls.ConnectionState, server bool) error {
	if server && id.Role == jobs.Coordinator && state.NegotiatedProtocol == ProtoGRPC {
		return nil
	}
	id.gate.mu.Lock()
	defer id.gate.mu.Unlock()
	if id.gate.out[p.Node] {
		return fmt.Errorf("node %s is shut out of the grid", p.Node.Short())
	}
	return nil
}

// watched is a connection that the gate can close.
type watched struct {
	net.Conn
	gate  *gate
	mu    sync.Mutex
	node  jobs.NodeID // "": nobody has proved yet who it is
	shown []*x509.Certificate
	over  bool
}

func (g *gate) watch(conn net.Conn) *watched { return &watched{Conn: conn, gate: g} }

// Unwrap is the connection that is watched.
func (w *watched) Unwrap() net.Conn { return w.Conn }

// knows notes whose connection it is, and what was shown on it.
func (w *watched) knows(node jobs.NodeID, state tls.ConnectionState) {
	if w.note(node, state.PeerCertificates) {
		_ = w.Close() // whoever uses it finds out
	}
}

// note says whether what was shown is good for nothing by now.
func (w *watched) note(node jobs.NodeID, shown []*x509.Certificate) (baseless bool) {
	g := w.gate
	g.mu.Lock()
	defer g.mu.Unlock()
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.over {
		return false
	}
	w.node, w.shown = node, shown
	if g.conns == nil {
		g.conns = map[jobs.NodeID]map[*watched]bool{}
	}
	if g.conns[node] == nil {
		g.conns[node] = map[*watched]bool{}
	}
	g.conns[node][w] = true
	return g.baseless != nil && g.baseless(shown)
}

// Close implements net.Conn.
func (w *watched) Close() error {
	w.mu.Lock()
	node := w.node
	w.over = true
	w.mu.Unlock()
	if node != "" {
		w.gate.forget(node, w)
	}
	return w.Conn.Close()
}

func (g *gate) forget(node jobs.NodeID, w *watched) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if delete(g.conns[node], w); len(g.conns[node]) == 0 {
		delete(g.conns, node)
	}
}

// gated has the gate know the connections that a gRPC client makes.
type gated struct {
	credentials.TransportCredentials
	gate *gate
}

// ClientHandshake implements credentials.TransportCredentials.
func (c *gated) ClientHandshake(ctx context.Context, authority string, raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	w := c.gate.watch(raw)
	conn, info, err := c.TransportCredentials.ClientHandshake(ctx, authority, w)
	if err != nil {
		return nil, nil, err
	}
	if tlsInfo, ok := info.(credentials.TLSInfo); ok {
		if p, err := PeerFrom(tlsInfo.State); err == nil {
			w.knows(p.Node, tlsInfo.State)
		}
	}
	return conn, info, nil
}

// Clone implements credentials.TransportCredentials.
func (c *gated) Clone() credentials.TransportCredentials {
	return &gated{c.TransportCredentials.Clone(), c.gate}
}
