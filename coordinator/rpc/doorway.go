package rpc

import (
	"errors"
	"net"
	"sync"

	"google.golang.org/grpc/credentials"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

// maxConnections is how many connections one node may have with a coordinator: some
// dozens of commands at a time that a submitter runs by one identity. An idle one costs
// some seventy kilobytes. Coordinators are not counted.
const maxConnections = 64

var errManyConnections = errors.New("this node has as many connections as it may")

// doorway counts the connections of each node, once it has proved who it is.
type doorway struct {
	credentials.TransportCredentials
	entered *entered
}

// entered is shared by the clones of a doorway.
type entered struct {
	mu    sync.Mutex
	nodes map[jobs.NodeID]int
}

func newDoorway(inner credentials.TransportCredentials) *doorway {
	return &doorway{inner, &entered{nodes: map[jobs.NodeID]int{}}}
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
	if !d.entered.enter(peer.Node) {
		return nil, nil, errors.Join(errManyConnections, conn.Close())
	}
	return &enteredConn{conn, sync.OnceFunc(func() { d.entered.leave(peer.Node) })}, info, nil
}

// Clone implements credentials.TransportCredentials.
func (d *doorway) Clone() credentials.TransportCredentials {
	return &doorway{d.TransportCredentials.Clone(), d.entered}
}

func (e *entered) enter(node jobs.NodeID) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.nodes[node] >= maxConnections {
		return false
	}
	e.nodes[node]++
	return true
}

func (e *entered) leave(node jobs.NodeID) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.nodes[node]--; e.nodes[node] == 0 {
		delete(e.nodes, node)
	}
}

// enteredConn gives its place free when it is closed.
type enteredConn struct {
	net.Conn
	leave func()
}

// Close implements net.Conn.
func (c *enteredConn) Close() error {
	c.leave()
	return c.Conn.Close()
}
