package identity

import (
	"context"
	"crypto/tls"
	"errors"
	"net"

	"google.golang.org/grpc/credentials"
)

// TLSConn is a connection whose TLS handshake has been made.
type TLSConn interface {
	net.Conn
	ConnectionState() tls.ConnectionState
}

// Handshaken is for a gRPC server of connections that were handed over: each is a
// TLSConn.
func Handshaken() credentials.TransportCredentials {
	return handshaken{credentials.NewTLS(nil)}
}

type handshaken struct {
	credentials.TransportCredentials
}

// ServerHandshake finds out who was authenticated.
func (handshaken) ServerHandshake(conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	c, ok := conn.(TLSConn)
	if !ok {
		return nil, nil, errors.New("handed over: a connection without TLS")
	}
	return takeHandshake(c)
}

// takeHandshake finds out who was authenticated on a connection.
func takeHandshake(conn TLSConn) (net.Conn, credentials.AuthInfo, error) {
	state := conn.ConnectionState()
	peer, err := PeerFrom(state)
	if err != nil {
		return nil, nil, errors.Join(err, conn.Close())
	}
	return conn, newAuthInfo(state, peer), nil
}

// take is takeHandshake for a connection that the gate has to know.
func (g *gate) take(made TLSConn) (net.Conn, credentials.AuthInfo, error) {
	conn, info, err := takeHandshake(made)
	if err != nil {
		return nil, nil, err
	}
	w := g.watch(conn)
	w.knows(info.(AuthInfo).Peer.Node, made.ConnectionState())
	return w, info, nil
}

// PeerCredentials is for gRPC clients that reach nodes of the grid by any path: some
// connections bring a handshake along in which the other side was the client.
func PeerCredentials(id *Identity, want Want) credentials.TransportCredentials {
	return &peerCredentials{ClientCredentials(id, want), want, &id.gate}
}

type peerCredentials struct {
	credentials.TransportCredentials
	want Want
	gate *gate
}

// ClientHandshake makes a handshake or takes the one that was made.
func (c *peerCredentials) ClientHandshake(ctx context.Context, authority string, conn net.Conn) (net.Conn, credentials.AuthInfo, error) {
	made, ok := conn.(TLSConn)
	if !ok {
		return c.TransportCredentials.ClientHandshake(ctx, authority, conn)
	}
	conn, info, err := c.gate.take(made)
	if err == nil && c.want != nil {
		err = c.want(info.(AuthInfo).Peer)
	}
	return conn, info, err
}

// Clone is part of the gRPC interface.
func (c *peerCredentials) Clone() credentials.TransportCredentials {
	return &peerCredentials{c.TransportCredentials.Clone(), c.want, c.gate}
}

// Clone is part of the gRPC interface.
func (h handshaken) Clone() credentials.TransportCredentials { return h }
