package swarm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// probeSlack is how many bytes a peer may send beside the piece that it is asked for.
const probeSlack = 1 << 20

// Probe asks a peer for one piece of a blob, a random one of those that it says it
// has, and throws it away. A peer that lies is refused and reported as in a download. The error tells how it lied, or why that is not known.
func (s *Swarm) Probe(ctx context.Context, id blob.ID, p Provider) error {
	ctx, cancel := context.WithCancel(ctx) // which ends the stream
	defer cancel()
	from, err := s.probe(ctx, id, p)
	if errors.Is(err, errLie) {
		s.refuse(from, p.Address, id, err)
	}
	if err != nil {
		return fmt.Errorf("probe %s for blob %s: %w", p.Address, id.Short(), err)
	}
	return nil
}

func (s *Swarm) probe(ctx context.Context, id blob.ID, p Provider) (peerIdentity, error) {
	stream, err := s.open(ctx, p, &anthillv1.ExchangeRequest{Blob: id[:], Grant: s.grants.of(id)})
	if err != nil {
		return peerIdentity{role: p.Role}, err
	}
	first, from, err := s.handshake(stream, p)
	if err != nil {
		return from, err
	}
	m, err := blob.Decode(id, first.GetManifest())
	if err != nil {
		return from, fmt.Errorf("%w: %w", errLie, err)
	}
	i := anyPiece(m, blob.Bitmap(first.GetHave()))
	if i < 0 {
		return from, errors.New("it has none of it")
	}
	_ = stream.Send(&anthillv1.ExchangeRequest{Ask: []uint32{uint32(i)}})
	return from, takePiece(stream, m, i)
}

// maxProofs is how many pieces a peer is asked for that is to prove that it has a blob.
const maxProofs = 8

// Prove returns nil if a peer has a blob: all of it, to judge by pieces that are chosen
// here. Who only knows the blob's id cannot answer.
func (s *Swarm) Prove(ctx context.Context, id blob.ID, p Provider) error {
	ctx, cancel := context.WithCancel(ctx) // which ends the stream
	defer cancel()
	if err := s.prove(ctx, id, p); err != nil {
		return fmt.Errorf("have %s prove blob %s: %w", p.Address, id.Short(), err)
	}
	return nil
}

func (s *Swarm) prove(ctx context.Context, id blob.ID, p Provider) error {
	stream, err := s.open(ctx, p, &anthillv1.ExchangeRequest{Blob: id[:]})
	if err != nil {
		return err
	}
	first, _, err := s.handshake(stream, p)
	if err != nil {
		return err
	}
	m, err := blob.Decode(id, first.GetManifest())
	if err != nil {
		return fmt.Errorf("%w: %w", errLie, err)
	}
	if n := blob.Bitmap(first.GetHave()).Count(); n < len(m.Pieces) {
		return fmt.Errorf("it has %d of %d pieces", n, len(m.Pieces))
	}
	order := rand.Perm(len(m.Pieces))
	for _, i := range order[:min(maxProofs, len(order))] {
		if err := stream.Send(&anthillv1.ExchangeRequest{Ask: []uint32{uint32(i)}}); err != nil {
			return err
		}
		if err := takePiece(stream, m, i); err != nil {
			return err
		}
		if err := stream.Send(&anthillv1.ExchangeRequest{Gained: []uint32{uint32(i)}}); err != nil {
			return err
		}
	}
	return nil
}

// anyPiece is a random one of those that a peer has, or -1.
func anyPiece(m blob.Manifest, have blob.Bitmap) int {
	for _, i := range rand.Perm(len(m.Pieces)) {
		if have.Has(i) {
			return i
		}
	}
	return -1
}

// takePiece reads until a piece is there, and checks it.
func takePiece(stream exchange, m blob.Manifest, i int) error {
	length := int(m.PieceLen(i))
	data := make([]byte, 0, length)
	for room := length + probeSlack; len(data) < length; {
		resp, err := stream.Recv()
		if err != nil {
			return err
		}
		if room -= proto.Size(resp); room < 0 {
			return errors.New("it says too much")
		}
		if slices.Contains(resp.GetLacking(), uint32(i)) {
			return errors.New("it does not have the piece any more")
		}
		if len(resp.GetData()) == 0 {
			continue
		}
		if int(resp.GetPiece()) != i || int(resp.GetOffset()) != len(data) || len(resp.GetData()) > length-len(data) {
			return fmt.Errorf("%w: not the piece that it was asked for", errLie)
		}
		data = append(data, resp.GetData()...)
	}
	if err := m.Verify(i, data); err != nil {
		return fmt.Errorf("%w: %w", errLie, err)
	}
	return nil
}
