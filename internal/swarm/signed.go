package swarm

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"google.golang.org/grpc/peer"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Who sends a piece signs what it sends and to whom, so that a wrong one proves by itself
// who sent it. Small blobs that come by ReadBlobs are not signed: of one that never came
// right nobody has the manifest that would prove it.

// maxSkew is how far a sender's clock may be from this node's.
const maxSkew = 24 * time.Hour

// sign is the sender's word for a piece; nil if it cannot tell to whom it goes.
func (s *Server) sign(ctx context.Context, id blob.ID, i int, hash [32]byte) *anthillv1.PieceSignature {
	to, ok := peer.FromContext(ctx)
	if s.signer == nil || !ok {
		return nil
	}
	word := blob.Served{Blob: id, Piece: uint32(i), Hash: hash, At: time.Now().UnixMilli()}
	if !s.signer(&word, to.AuthInfo) {
		return nil
	}
	return &anthillv1.PieceSignature{SignedAt: word.At, Key: word.Key, Signature: word.Signature}
}

// provenLie is a wrong piece with its sender's signature.
type provenLie struct {
	error
	proof blob.Misserved
}

func (e *provenLie) Unwrap() error { return e.error }

// proofOf is the proof that an error brings, or nil.
func proofOf(err error) *blob.Misserved {
	var lie *provenLie
	if errors.As(err, &lie) {
		return &lie.proof
	}
	return nil
}

// checkSigned says what is wrong with a whole piece that came with a signature. One without
// is for others to check: a peer of a version that does not sign may have signed before,
// when it ran a newer one.
func (s *Swarm) checkSigned(id blob.ID, m blob.Manifest, i int, data []byte, sig *anthillv1.PieceSignature, from peerIdentity) error {
	if from.node == "" || s.cfg.Node == "" || sig == nil {
		return nil // nothing tells who it is
	}
	word := blob.Served{
		Blob: id, Piece: uint32(i), Hash: m.Pieces[i], Receiver: string(s.cfg.Node),
		At: sig.GetSignedAt(), Key: sig.GetKey(), Signature: sig.GetSignature(),
	}
	wrong := m.Verify(i, data)
	if wrong != nil {
		word.Hash = sha256.Sum256(data)
	}
	if skew := time.Since(time.UnixMilli(word.At)).Abs(); skew > maxSkew || word.Signer() != string(from.node) {
		return fmt.Errorf("%w: the signature of piece %d does not fit", errLie, i)
	}
	if wrong != nil {
		return &provenLie{fmt.Errorf("%w: %w", errLie, wrong), blob.Misserved{Served: word, Manifest: m.Encode()}}
	}
	return nil
}
