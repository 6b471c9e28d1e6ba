package identity

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"time"

	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"

	"github.com/anthill-grid/anthill/jobs"
)

// A client that is silent for this long during the handshake is cut off.
const handshakeTimeout = 10 * time.Second

// AuthInfo is what gRPC handlers learn of their caller.
type AuthInfo struct {
	credentials.TLSInfo
	Peer Peer
}

// serverCredentials serves several protocols on a gRPC server's port.
type serverCredentials struct {
	credentials.TransportCredentials
	config *tls.Config
	hand   Handover
	gate   *gate
}

// Handover says who gets connections that are not for the gRPC server itself. The
// functions own what they get and must return soon, since a graceful stop of the
// server waits for them. The zero value hands over nothing.
type Handover struct {
	// Raft gets connections of coordinators that ask for ProtoRaft, and Gossip those of
	// coordinators and workers that ask for ProtoGossip: which workers may, the
	// certificate does not say.
	Raft, Gossip func(net.Conn, Peer)
	// Back and Relay get connections of nodes of the grid that ask for ProtoBack and
	// ProtoRelay.
	Back, Relay func(*tls.Conn, Peer)
	// Stranger gets connections of peers without a certificate of the grid.
	Stranger func(*tls.Conn)
}

// protos are what is served: gRPC, and all that somebody takes.
func (h Handover) protos() []string {
	protos := []string{ProtoGRPC}
	for _, p := range []struct {
		name  string
		taken bool
	}{{ProtoRaft, h.Raft != nil}, {ProtoGossip, h.Gossip != nil}, {ProtoBack, h.Back != nil}, {ProtoRelay, h.Relay != nil}} {
		if p.taken {
			protos = append(protos, p.name)
		}
	}
	return protos
}

// ServerCredentials is for a gRPC server.
func ServerCredentials(id *Identity, hand Handover) credentials.TransportCredentials {
	config := id.ServerTLS(hand.protos()...)
	return &serverCredentials{credentials.NewTLS(config), config, hand, &id.gate}
}

// ClientCredentials is for gRPC clients of an enrolled node.
func ClientCredentials(id *Identity, want Want) credentials.TransportCredentials {
	return &gated{credentials.NewTLS(id.ClientTLS(want, ProtoGRPC)), &id.gate}
}

// ServerHandshake authenticates a client and finds out what it wants to speak. A
// connection that this node made itself brings its handshake along.
func (c *serverCredentials) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	if made, ok := raw.(TLSConn); ok {
		return c.gate.take(made)
	}
	watched := c.gate.watch(raw)
	ctx, cancel := context.WithTimeout(context.Background(), handshakeTimeout)
	defer cancel()
	conn := tls.Server(watched, c.config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, nil, errors.Join(fmt.Errorf("TLS handshake with %s: %w", raw.RemoteAddr(), err), raw.Close())
	}
	if peer, err := PeerFrom(conn.ConnectionState()); err == nil && peer.Role != jobs.Stranger {
		watched.knows(peer.Node, conn.ConnectionState())
	}
	info, err := c.dispatch(conn)
	if err == nil {
		return conn, info, nil
	}
	if !errors.Is(err, credentials.ErrConnDispatched) {
		err = errors.Join(fmt.Errorf("connection from %s: %w", raw.RemoteAddr(), err), conn.Close())
	}
	return nil, nil, err
}

func (c *serverCredentials) dispatch(conn *tls.Conn) (AuthInfo, error) {
	state := conn.ConnectionState()
	peer, err := PeerFrom(state)
	if err != nil {
		return AuthInfo{}, err
	}
	switch state.NegotiatedProtocol {
	case ProtoGRPC:
		if c.hand.Stranger != nil && peer.Role == jobs.Stranger {
			c.hand.Stranger(conn)
			return AuthInfo{}, credentials.ErrConnDispatched
		}
		return newAuthInfo(state, peer), nil
	case ProtoRaft:
		return AuthInfo{}, dispatch(conn, peer, c.hand.Raft, jobs.Coordinator)
	case ProtoGossip:
		return AuthInfo{}, dispatch(conn, peer, c.hand.Gossip, jobs.Coordinator, jobs.Worker)
	case ProtoBack:
		return AuthInfo{}, dispatchMember(conn, peer, c.hand.Back)
	case ProtoRelay:
		return AuthInfo{}, dispatchMember(conn, peer, c.hand.Relay)
	default:
		return AuthInfo{}, fmt.Errorf("protocol %q is not served: offer %s by ALPN", state.NegotiatedProtocol, ProtoGRPC)
	}
}

// dispatch hands over a connection on which nodes of these roles talk among themselves.
func dispatch(conn *tls.Conn, peer Peer, hand func(net.Conn, Peer), roles ...jobs.Role) error {
	return dispatchTo(conn, peer, func(c *tls.Conn, p Peer) { hand(c, p) }, roles...)
}

// dispatchMember hands over a connection of any node of the grid.
func dispatchMember(conn *tls.Conn, peer Peer, hand func(*tls.Conn, Peer)) error {
	return dispatchTo(conn, peer, hand, jobs.Coordinator, jobs.Worker, jobs.Submitter, jobs.Operator)
}

func dispatchTo(conn *tls.Conn, peer Peer, hand func(*tls.Conn, Peer), roles ...jobs.Role) error {
	if err := WantRole(roles...)(peer); err != nil {
		return fmt.Errorf("%s: %w", conn.ConnectionState().NegotiatedProtocol, err)
	}
	// gRPC gave the connection a deadline for the handshake.
	if err := conn.SetDeadline(time.Time{}); err != nil {
		return fmt.Errorf("%s: %w", conn.ConnectionState().NegotiatedProtocol, err)
	}
	hand(conn, peer)
	return credentials.ErrConnDispatched
}

// Clone is part of the gRPC interface.
func (c *serverCredentials) Clone() credentials.TransportCredentials {
	return &serverCredentials{c.TransportCredentials.Clone(), c.config.Clone(), c.hand, c.gate}
}

func newAuthInfo(state tls.ConnectionState, peer Peer) AuthInfo {
	return AuthInfo{
		TLSInfo: credentials.TLSInfo{
			State:          state,
			CommonAuthInfo: credentials.CommonAuthInfo{SecurityLevel: credentials.PrivacyAndIntegrity},
		},
		Peer: peer,
	}
}

// FromContext names the caller of a gRPC handler.
func FromContext(ctx context.Context) (Peer, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return Peer{}, errors.New("caller: not a call over the network")
	}
	return FromAuthInfo(p.AuthInfo)
}

// FromAuthInfo names the other end of a gRPC connection. Clients learn theirs
// by the call option grpc.Peer.
func FromAuthInfo(info credentials.AuthInfo) (Peer, error) {
	switch info := info.(type) {
	case AuthInfo:
		return info.Peer, nil
	case credentials.TLSInfo:
		return PeerFrom(info.State)
	default:
		return Peer{}, fmt.Errorf("peer: authenticated by %T, not by TLS", info)
	}
}

// Identify is FromAuthInfo in the form that the swarm asks for.
func Identify(info credentials.AuthInfo) (jobs.NodeID, jobs.Role, error) {
	p, err := FromAuthInfo(info)
	return p.Node, p.Role, err
}

// NewContext is the context of a call made by p: for calls within the process.
func NewContext(ctx context.Context, p Peer) context.Context {
	return peer.NewContext(ctx, &peer.Peer{AuthInfo: AuthInfo{Peer: p}})
}

// PublicKeyFrom is the caller's key, which an enrolment certifies.
func PublicKeyFrom(ctx context.Context) (ed25519.PublicKey, error) {
	p, ok := peer.FromContext(ctx)
	if !ok {
		return nil, errors.New("caller: not a call over the network")
	}
	info, ok := p.AuthInfo.(AuthInfo)
	if !ok || len(info.State.PeerCertificates) == 0 {
		return nil, errors.New("caller: it showed no certificate")
	}
	public, ok := info.State.PeerCertificates[0].PublicKey.(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("caller: a %T is not an Ed25519 key", info.State.PeerCertificates[0].PublicKey)
	}
	return public, nil
}
