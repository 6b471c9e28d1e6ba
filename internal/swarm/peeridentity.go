package swarm

import (
	"context"
	"errors"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/jobs"
)

// errLie is wrapped by errors that only a peer that is broken or lies can
// cause.
var errLie = errors.New("peer sent wrong bytes")

// errRefused: the peer sent wrong bytes before.
var errRefused = errors.New("is refused since it sent wrong bytes")

// peerIdentity tells who is at the other end of a connection; it is the zero value if
// nothing can tell.
type peerIdentity struct {
	node jobs.NodeID
	role jobs.Role
	path reach.Path // by which it is reached, once it is
}

// identify asks the authentication, and falls back on what the provider's entry
// says of its role.
func (s *Swarm) identify(p *peer.Peer, said Provider) peerIdentity {
	if s.cfg.Identify != nil && p != nil && p.AuthInfo != nil {
		if node, role, err := s.cfg.Identify(p.AuthInfo); err == nil {
			return peerIdentity{node, role, reach.PathOf(p.Addr)}
		}
	}
	return peerIdentity{role: said.Role}
}

// onlyNode makes a call fail unless it is the provider's node that would get it.
func (s *Swarm) onlyNode(p Provider) grpc.CallOption {
	if p.Node == "" || s.cfg.Identify == nil {
		return grpc.EmptyCallOption{}
	}
	return grpc.PerRPCCredentials(onlyTo{p.Node, s.cfg.Identify})
}

// onlyTo sends nothing along with a call. It is asked for what to send when the
// connection stands and before the call goes out, which is the one moment at
// which a call can still be kept from the wrong node.
type onlyTo struct {
	node     jobs.NodeID
	identify func(credentials.AuthInfo) (jobs.NodeID, jobs.Role, error)
}

// GetRequestMetadata implements credentials.PerRPCCredentials.
func (o onlyTo) GetRequestMetadata(ctx context.Context, _ ...string) (map[string]string, error) {
	info, _ := credentials.RequestInfoFromContext(ctx)
	node, _, err := o.identify(info.AuthInfo)
	if err != nil {
		return nil, status.Errorf(codes.Unauthenticated, "cannot tell whether it is node %s: %v", o.node.Short(), err)
	}
	if node != o.node {
		return nil, status.Errorf(codes.Unauthenticated, "node %s answers in the place of node %s", node.Short(), o.node.Short())
	}
	return nil, nil
}

// RequireTransportSecurity implements credentials.PerRPCCredentials: identify
// sees to that.
func (onlyTo) RequireTransportSecurity() bool { return false }
