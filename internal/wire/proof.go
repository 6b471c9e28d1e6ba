package wire

import (
	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// ProofToProto is a proof that a node has sent a wrong piece.
func ProofToProto(p *blob.Misserved) *anthillv1.PieceProof {
	s := &p.Served
	return &anthillv1.PieceProof{
		Blob: s.Blob[:], Piece: s.Piece, Hash: s.Hash[:], Receiver: s.Receiver, Manifest: p.Manifest,
		Signature: &anthillv1.PieceSignature{SignedAt: s.At, Key: s.Key, Signature: s.Signature},
	}
}

// ProofFromProto is the inverse of ProofToProto.
func ProofFromProto(field string, m *anthillv1.PieceProof) (*blob.Misserved, error) {
	id, err := IDFromProto(field+".blob", m.GetBlob())
	if err != nil {
		return nil, err
	}
	hash, err := IDFromProto(field+".hash", m.GetHash()) // as long as an id
	if err != nil {
		return nil, err
	}
	sig := m.GetSignature()
	return &blob.Misserved{Manifest: m.GetManifest(), Served: blob.Served{
		Blob: id, Piece: m.GetPiece(), Hash: hash, Receiver: m.GetReceiver(),
		At: sig.GetSignedAt(), Key: sig.GetKey(), Signature: sig.GetSignature(),
	}}, nil
}
