package blob

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"strings"
	"testing"
)

// wrongly is the word of a node that sent other bytes than a blob has.
func wrongly(t *testing.T) (ed25519.PrivateKey, Misserved) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	m := Of(bytes.Repeat([]byte("ant"), MinPiece))
	s := Served{Blob: m.ID(), Piece: 2, Hash: sha256.Sum256([]byte("garbage")), Receiver: "ada", At: 1234}
	s.Sign(key)
	return key, Misserved{Served: s, Manifest: m.Encode()}
}

// TestOneSignedWrongPieceProvesIt, and nothing that its sender did not sign does.
func TestOneSignedWrongPieceProvesIt(t *testing.T) {
	key, proof := wrongly(t)
	if node, err := proof.Culprit(); err != nil || len(node) != 32 {
		t.Fatalf("culprit %q, %v", node, err)
	}
	right, _ := Decode(proof.Served.Blob, proof.Manifest)
	for want, change := range map[string]func(p *Misserved){
		"the signature does not fit": func(p *Misserved) { p.Served.Receiver = "bob" },
		"does not fit":               func(p *Misserved) { p.Served.At++ },
		"signature does not":         func(p *Misserved) { p.Served.Hash[0]++ },
		"signature does":             func(p *Misserved) { p.Served.Piece = 1 },
		"not fit":                    func(p *Misserved) { p.Served.Key = nil },
		"fit":                        func(p *Misserved) { p.Served.Signature = p.Served.Signature[1:] },
		"the piece is right":         func(p *Misserved) { p.Served.Hash = right.Pieces[2]; p.Served.Sign(key) },
		"piece 3 of 3":               func(p *Misserved) { p.Served.Piece = 3; p.Served.Sign(key) },
		"check evidence":             func(p *Misserved) { p.Manifest = Of([]byte("another")).Encode() },
	} {
		_, p := wrongly(t)
		change(&p)
		if node, err := p.Culprit(); err == nil || !strings.Contains(err.Error(), want) || node != "" {
			t.Errorf("culprit %q, %v; want an error with %q", node, err, want)
		}
	}
}
