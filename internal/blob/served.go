package blob

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
)

// Served is what a node says with its signature of a piece that it sends: to whom it went,
// and which hash it has. It is no good against anybody who sends what is right.
type Served struct {
	_         struct{} `cbor:",toarray"`
	Blob      ID
	Piece     uint32
	Hash      [32]byte // of the bytes that were sent
	Receiver  string   // a node id
	At        int64    // milliseconds since 1970, by the sender's clock
	Key       []byte   // the sender's public key
	Signature []byte
}

// text is what is signed. Nothing else that a node's key signs begins so.
func (s *Served) text() []byte {
	b := []byte("anthill piece 1\x00" + s.Receiver + "\x00")
	b = append(b, s.Blob[:]...)
	b = binary.BigEndian.AppendUint32(b, s.Piece)
	b = append(b, s.Hash[:]...)
	return binary.BigEndian.AppendUint64(b, uint64(s.At))
}

// Sign adds the key and its signature.
func (s *Served) Sign(key ed25519.PrivateKey) {
	s.Key = key.Public().(ed25519.PublicKey)
	s.Signature = ed25519.Sign(key, s.text())
}

// Signer is the id of the node whose signature it is: the first 32 hex digits of the
// SHA-256 of its key's PKIX form. It is empty if the signature does not fit.
func (s *Served) Signer() string {
	if len(s.Key) != ed25519.PublicKeySize || !ed25519.Verify(s.Key, s.text(), s.Signature) {
		return ""
	}
	pkix := []byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}
	sum := sha256.Sum256(append(pkix, s.Key...))
	return hex.EncodeToString(sum[:16])
}

// Misserved proves that a node has sent a wrong piece: by its own word, and by the manifest
// that the blob's id is the hash of. Whoever has it can check it alone.
type Misserved struct {
	_        struct{} `cbor:",toarray"`
	Served   Served
	Manifest []byte
}

// Culprit is the node that has sent a wrong piece. The error says why this is no proof.
func (p *Misserved) Culprit() (node string, err error) {
	m, err := Decode(p.Served.Blob, p.Manifest)
	if err != nil {
		return "", fmt.Errorf("check evidence: %w", err)
	}
	node = p.Served.Signer()
	switch {
	case node == "":
		return "", fmt.Errorf("check evidence: %w: the signature does not fit", ErrInvalid)
	case uint64(p.Served.Piece) >= uint64(len(m.Pieces)):
		return "", fmt.Errorf("check evidence: %w: piece %d of %d", ErrInvalid, p.Served.Piece, len(m.Pieces))
	case m.Pieces[p.Served.Piece] == p.Served.Hash:
		return "", fmt.Errorf("check evidence: %w: the piece is right", ErrInvalid)
	}
	return node, nil
}
