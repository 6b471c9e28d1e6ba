package reach

import (
	"crypto/tls"
	"net"
)

// Path is how two nodes reach each other. The better come first.
type Path uint8

// The paths that there are.
const (
	Direct   Path = iota // one dials the other
	Mapped               // at a port that its router has opened
	Reversed             // who cannot be dialled is asked to dial back
	Punched              // both begin at the same time, by QUIC
	Relayed              // through a third node, which sees ciphertext
	paths                // how many
)

var pathNames = [paths]string{"direct", "mapped", "reversed", "punched", "relayed"}

func (p Path) String() string {
	if p < paths {
		return pathNames[p]
	}
	return "unknown"
}

// Addr is where a connection leads that was not made by dialling.
type Addr struct {
	net.Addr
	Path Path
}

// String is HOST:PORT of the node at the other end or, where that is not known, the path.
func (a Addr) String() string {
	if a.Path == Relayed {
		return a.Path.String()
	}
	return a.Addr.String()
}

// PathOf tells by which path a connection with this remote address goes.
func PathOf(a net.Addr) Path {
	if a, ok := a.(Addr); ok {
		return a.Path
	}
	return Direct
}

// plain is a connection by some path. It hides whatever handshake was made with a relay.
type plain struct {
	net.Conn
	path Path
}

// RemoteAddr implements net.Conn.
func (c plain) RemoteAddr() net.Addr { return Addr{c.Conn.RemoteAddr(), c.path} }

// secured is one whose handshake was made with the node at the other end.
type secured struct {
	plain
	tls interface{ ConnectionState() tls.ConnectionState }
}

// ConnectionState implements identity.TLSConn.
func (c secured) ConnectionState() tls.ConnectionState { return c.tls.ConnectionState() }

// plain and secured put a connection by some path together. What is counted already, as
// what came to the listener, counts for that path from now on.
func (r *Room) plain(c net.Conn, p Path) plain { return plain{r.count(c, p), p} }

func (r *Room) secured(c *tls.Conn, p Path) secured {
	if r.move(c.NetConn(), p) {
		return secured{plain{c, p}, c}
	}
	return secured{r.plain(c, p), c}
}
