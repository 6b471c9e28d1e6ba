package swarm

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
)

// errLie is wrapped by errors that only a peer that is broken or lies can
// cause.
var errLie = errors.New("peer sent wrong bytes")

// errRefused: the peer sent wrong bytes before.
var errRefused = errors.New("is refused since it sent wrong bytes")

// who is at the other end of a connection; the zero value if nobody can tell.
type who struct {
	node jobs.NodeID
	role jobs.Role
}

// whois asks the authentication, and falls back on what the provider's entry
// says of its role.
func (s *Swarm) whois(p *peer.Peer, said Provider) who {
	if s.cfg.Identify != nil && p != nil && p.AuthInfo != nil {
		if node, role, err := s.cfg.Identify(p.AuthInfo); err == nil {
			return who{node, role}
		}
	}
	return who{role: said.Role}
}

// meaning makes a call fail unless it is the provider's node that would get it.
func (s *Swarm) meaning(p Provider) grpc.CallOption {
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

// stat asks a peer what it has of a blob.
func (s *Swarm) stat(ctx context.Context, id blob.ID, p Provider) (*anthillv1.StatResponse, who, error) {
	conn, err := s.cfg.Dial(ctx, p.Address)
	if err != nil {
		return nil, who{role: p.Role}, err
	}
	var other peer.Peer
	resp, err := anthillv1.NewPieceServiceClient(conn).Stat(ctx, &anthillv1.StatRequest{Blob: id[:]}, s.meaning(p), grpc.Peer(&other))
	return resp, s.whois(&other, p), err
}

// readPiece asks a peer for one piece. Received is told the bytes as they come.
// The result is as long as it should be and not yet compared by hash.
func (s *Swarm) readPiece(ctx context.Context, m blob.Manifest, id blob.ID, i int, p Provider, received *atomic.Int64) ([]byte, who, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	from := who{role: p.Role}
	conn, err := s.cfg.Dial(ctx, p.Address)
	if err != nil {
		return nil, from, err
	}
	req := &anthillv1.ReadRequest{Blob: id[:], Pieces: []uint32{uint32(i)}}
	stream, err := anthillv1.NewPieceServiceClient(conn).Read(ctx, req, s.meaning(p))
	if err != nil {
		return nil, from, err
	}
	data := make([]byte, 0, m.PieceLen(i))
	for len(data) < cap(data) {
		frame, err := stream.Recv()
		if len(data) == 0 {
			// Earlier than the first answer it is not known who answers.
			other, _ := peer.FromContext(stream.Context())
			from = s.whois(other, p)
		}
		if errors.Is(err, io.EOF) {
			return nil, from, fmt.Errorf("peer ended piece %d after %d of %d bytes", i, len(data), cap(data))
		}
		if err != nil {
			return nil, from, err
		}
		if err := checkFrame(frame, i, len(data), cap(data)); err != nil {
			return nil, from, err
		}
		data = append(data, frame.GetData()...)
		received.Add(int64(len(frame.GetData())))
	}
	return data, from, nil
}

// checkFrame refuses what does not continue the piece.
func checkFrame(f *anthillv1.ReadResponse, piece, at, length int) error {
	n := len(f.GetData())
	if int(f.GetPiece()) != piece || int(f.GetOffset()) != at || n == 0 || n > length-at {
		return fmt.Errorf("%w: frame of piece %d [%d,+%d), want more of piece %d at %d of %d",
			errLie, f.GetPiece(), f.GetOffset(), n, piece, at, length)
	}
	return nil
}
