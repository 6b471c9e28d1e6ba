package rpc

import (
	"crypto/tls"
	"net"
	"sync"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/identity"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// What a stranger, a peer without a certificate of the grid, may take: enough for one
// enrolment, and next to no memory.
const (
	strangerTime    = 10 * time.Second // from the end of the handshake on
	strangerMessage = 4 << 10          // bytes of a message, and of a call's headers
	// maxStrangers are connected at a time, and maxStrangersAt from one address: a
	// class room behind one router still joins.
	maxStrangers   = 64
	maxStrangersAt = 16
)

// strangers serves enrolment, and nothing else, to peers without a certificate.
type strangers struct {
	server *grpc.Server
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once

	mu    sync.Mutex
	hosts map[string]int // connections by address
	all   int
}

func newStrangers(s *Server) *strangers {
	x := &strangers{conns: make(chan net.Conn), closed: make(chan struct{}), hosts: map[string]int{}}
	x.server = grpc.NewServer(grpc.Creds(identity.Handshaken()), grpc.WaitForHandlers(true),
		grpc.MaxConcurrentStreams(1), grpc.MaxRecvMsgSize(strangerMessage), grpc.MaxHeaderListSize(strangerMessage),
		grpc.ReadBufferSize(strangerMessage), grpc.WriteBufferSize(strangerMessage),
		grpc.InTapHandle(s.admit), grpc.UnaryInterceptor(s.unary))
	anthillv1.RegisterEnrolmentServiceServer(x.server, s)
	return x
}

// take owns a connection from here on. One too many is hung up on: who wants to
// enrol tries again for some seconds.
func (x *strangers) take(conn *tls.Conn) {
	host, _, err := net.SplitHostPort(conn.RemoteAddr().String())
	if err != nil || !x.enter(host) {
		_ = conn.Close() // it is none of ours
		return
	}
	guest := &strangerConn{Conn: conn}
	guest.leave = func() { x.leave(host) }
	time.AfterFunc(strangerTime, func() { _ = guest.Close() }) // the server notices
	select {
	case x.conns <- guest:
	case <-x.closed:
		_ = guest.Close()
	}
}

func (x *strangers) enter(host string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.all >= maxStrangers || x.hosts[host] >= maxStrangersAt {
		return false
	}
	x.all++
	x.hosts[host]++
	return true
}

func (x *strangers) leave(host string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.all--
	if x.hosts[host]--; x.hosts[host] == 0 {
		delete(x.hosts, host)
	}
}

// serve answers those that were taken, until stop.
func (x *strangers) serve() { _ = x.server.Serve(x) } // it ends by stop alone

func (x *strangers) stop() { x.server.Stop() }

// Accept implements net.Listener.
func (x *strangers) Accept() (net.Conn, error) {
	select {
	case conn := <-x.conns:
		return conn, nil
	case <-x.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (x *strangers) Close() error {
	x.once.Do(func() { close(x.closed) })
	return nil
}

// Addr implements net.Listener: there is no address of its own.
func (x *strangers) Addr() net.Addr { return &net.TCPAddr{} }

// strangerConn gives its place free when it is closed.
type strangerConn struct {
	*tls.Conn
	once  sync.Once
	leave func()
}

// Close implements net.Conn.
func (c *strangerConn) Close() error {
	c.once.Do(c.leave)
	return c.Conn.Close()
}
