package identity

import (
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
	state := c.ConnectionState()
	peer, err := PeerFrom(state)
	if err != nil {
		return nil, nil, err
	}
	return conn, newAuthInfo(state, peer), nil
}

// Clone is part of the gRPC interface.
func (h handshaken) Clone() credentials.TransportCredentials { return h }
