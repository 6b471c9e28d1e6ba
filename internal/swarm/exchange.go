package swarm

import (
	"context"
	"crypto/sha256"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/peer"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Exchange implements anthillv1.PieceServiceServer.
func (s *Server) Exchange(stream grpc.BidiStreamingServer[anthillv1.ExchangeRequest, anthillv1.ExchangeResponse]) error {
	first, err := stream.Recv()
	if err != nil {
		return err
	}
	ctx := withGrant(stream.Context(), first.GetGrant())
	id, err := s.check(ctx, first.GetBlob())
	if err != nil {
		return err
	}
	n, err := s.uploads.join(id, s.store, s.caller(ctx), first, s.introduce(ctx, id, first.GetAddress()), s.owed(ctx, id))
	if err != nil {
		return statusOf(id, err)
	}
	defer s.uploads.leave(n)
	s.uploads.receive(n, first)
	if first.GetPrompt() {
		s.uploads.prompt(n)
	}
	gone := make(chan error, 1)
	go func() {
		for {
			req, err := stream.Recv()
			if err != nil {
				gone <- err
				return
			}
			if !s.uploads.receive(n, req) {
				gone <- nil
				return
			}
		}
	}()
	return s.upload(ctx, stream, n, gone)
}

// upload sends the client its pieces until it goes.
func (s *Server) upload(ctx context.Context, stream grpc.BidiStreamingServer[anthillv1.ExchangeRequest, anthillv1.ExchangeResponse], n *session, gone <-chan error) error {
	ticker := time.NewTicker(ackTimeout / 4)
	defer ticker.Stop()
	for {
		if !s.allow(ctx, n.id) {
			return statusOf(n.id, blobstore.ErrNotFound) // its job has ended since, say
		}
		news, i := s.uploads.todo(n)
		if news != nil {
			if err := stream.Send(news); err != nil {
				return err
			}
		}
		if i >= 0 {
			if err := s.sendPiece(stream, n, i); err != nil {
				return err
			}
			continue
		}
		select {
		case <-n.wake:
		case <-ticker.C:
			if !s.serves(ctx, n.id) {
				return statusOf(n.id, blobstore.ErrNotFound)
			}
			s.uploads.review(n, s.store)
		case <-gone:
			return nil
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// sendPiece sends a piece frame by frame; news go between them.
func (s *Server) sendPiece(stream grpc.BidiStreamingServer[anthillv1.ExchangeRequest, anthillv1.ExchangeResponse], n *session, i int) error {
	data, err := s.store.ReadPiece(n.id, i)
	if err != nil {
		s.uploads.lacks(n, i)
		return nil
	}
	hash := n.seeding.manifest.Pieces[i] // the store has just checked it
	if s.tamper != nil {
		s.tamper(data)
		hash = sha256.Sum256(data)
	}
	for off := 0; off < len(data); off += frameSize {
		news, stop := s.uploads.midway(n, i)
		if stop {
			s.uploads.stopped(n, i)
			return nil
		}
		if news != nil {
			if err := stream.Send(news); err != nil {
				return err
			}
		}
		frame := &anthillv1.ExchangeResponse{Piece: uint32(i), Offset: uint32(off), Data: data[off:min(off+frameSize, len(data))]}
		if off+frameSize >= len(data) {
			frame.Signature = s.sign(stream.Context(), n.id, i, hash)
		}
		if err := stream.Send(frame); err != nil {
			return err
		}
		s.uploads.sent.Add(int64(len(frame.GetData())))
	}
	s.uploads.finished(n, i)
	return nil
}

// introduce tells the blob's download where a client serves it in turn, and gives
// that to be told to others; nil: nowhere.
func (s *Server) introduce(ctx context.Context, id blob.ID, said string) *anthillv1.Provider {
	address, ok := CallerAt(CallerHost(ctx), said)
	from, _ := peer.FromContext(ctx)
	if !ok || !validAddress(address) {
		return nil
	}
	p := Provider{Address: address, Role: jobs.Submitter}
	if s.swarm != nil {
		who := s.swarm.identify(from, p)
		p.Role, p.Node = who.role, who.node
		s.swarm.notify(id, introduced{[]Provider{p}, true}) // only its word says that anybody is at that port
	}
	return p.Proto()
}
