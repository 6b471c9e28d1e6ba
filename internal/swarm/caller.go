package swarm

import (
	"context"
	"net"

	"google.golang.org/grpc/peer"
)

// CallerHost is the host that a gRPC call comes from, "" if that is not known.
func CallerHost(ctx context.Context) string {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	host, _, err := net.SplitHostPort(from.Addr.String())
	if err != nil {
		return ""
	}
	return host
}

// CallerAt is where others are told to reach a caller that says it listens at an
// address: at that port of the host that it calls from, and of what it says only the
// port is believed, so that nobody can send a crowd to somebody else. There is no such
// place if either is not known.
func CallerAt(host, said string) (address string, ok bool) {
	_, port, err := net.SplitHostPort(said)
	if err != nil || host == "" {
		return "", false
	}
	return net.JoinHostPort(host, port), true
}

// caller tells clients apart: by node or, where that is not known, by host.
func (s *Server) caller(ctx context.Context) string {
	from, ok := peer.FromContext(ctx)
	if !ok {
		return ""
	}
	if s.swarm != nil {
		if who := s.swarm.identify(from, Provider{}); who.node != "" {
			return string(who.node)
		}
	}
	if host := CallerHost(ctx); host != "" {
		return host
	}
	return from.Addr.String()
}
