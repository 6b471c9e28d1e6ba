package rpc

import (
	"errors"
	"net"
	"net/netip"
	"sync"

	"google.golang.org/grpc/credentials"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

// maxConnections is how many connections one node may have with a coordinator: some
// dozens of commands at a time that a submitter runs by one identity. An idle one costs
// some seventy kilobytes. Coordinators are not counted.
const maxConnections = 64

const (
	// maxFromAddress is how many all nodes of one address may have: a campus behind one
	// router has some hundreds of machines. This machine's own are not counted.
	maxFromAddress = 512
	// crowded is how many all nodes have when each may have one, and no more.
	crowded = 4096
)

var errManyConnections = errors.New("this node, or its address, has as many connections as it may")

// doorway counts the connections of each node and address, once a node has proved who
// it is.
type doorway struct {
	credentials.TransportCredentials
	entered *entered
}

// entered is shared by the clones of a doorway.
type entered struct {
	burden *burden
	mu     sync.Mutex
	nodes  map[jobs.NodeID]int
	hosts  map[string]int
	all    int
}

func newDoorway(inner credentials.TransportCredentials, b *burden) *doorway {
	return &doorway{inner, &entered{burden: b, nodes: map[jobs.NodeID]int{}, hosts: map[string]int{}}}
}

// ServerHandshake implements credentials.TransportCredentials.
func (d *doorway) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := d.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return conn, info, err
	}
	peer, err := identity.FromAuthInfo(info)
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	if peer.Role == jobs.Coordinator {
		return conn, info, nil
	}
	host := hostOf(raw.RemoteAddr())
	if !d.entered.enter(peer.Node, host) {
		return nil, nil, errors.Join(errManyConnections, conn.Close())
	}
	c := &enteredConn{Conn: conn, burden: d.entered.burden, messages: newUnfinished()}
	c.holding = c.burden.join(peer.Node, c)
	c.leave = sync.OnceFunc(func() {
		d.entered.leave(peer.Node, host)
		c.burden.leave(peer.Node, c.holding, c)
	})
	return c, info, nil
}

// Clone implements credentials.TransportCredentials.
func (d *doorway) Clone() credentials.TransportCredentials {
	return &doorway{d.TransportCredentials.Clone(), d.entered}
}

// hostOf is the address that connections are counted by; "": they are not.
func hostOf(a net.Addr) string {
	at, err := netip.ParseAddrPort(a.String())
	if err != nil || at.Addr().Unmap().IsLoopback() {
		return ""
	}
	return at.Addr().Unmap().String()
}

func (e *entered) enter(node jobs.NodeID, host string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	most := maxConnections
	if e.all >= crowded {
		most = 1
	}
	if e.nodes[node] >= most || host != "" && e.hosts[host] >= maxFromAddress {
		return false
	}
	e.nodes[node]++
	e.hosts[host]++
	e.all++
	return true
}

func (e *entered) leave(node jobs.NodeID, host string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.all--
	if e.nodes[node]--; e.nodes[node] == 0 {
		delete(e.nodes, node)
	}
	if e.hosts[host]--; e.hosts[host] == 0 {
		delete(e.hosts, host)
	}
}

// enteredConn counts the bytes of messages that it brings, and gives its place free when
// it is closed.
type enteredConn struct {
	net.Conn
	burden   *burden
	holding  *holding
	messages *unfinished // for the one who reads
	leave    func()
}

// Read implements net.Conn.
func (c *enteredConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	before := c.messages.bytes
	c.messages.read(p[:n])
	if more := c.messages.bytes - before; more != 0 && !c.burden.arrive(c.holding, c, more) {
		return 0, errors.Join(errBurden, c.Close())
	}
	return n, err
}

// Close implements net.Conn.
func (c *enteredConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
