package identity

import (
	"crypto/ed25519"
	"encoding/binary"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// grantSize is that of a grant: when it ends (8 bytes, seconds since 1970) and the
// authority's signature.
const grantSize = 8 + ed25519.SignatureSize

// grantText is what the authority signs. No certificate begins so.
func grantText(grid string, node jobs.NodeID, blob [32]byte, until uint64) []byte {
	b := []byte("anthill grant 1\x00" + grid + "\x00" + string(node) + "\x00")
	b = append(b, blob[:]...)
	return binary.BigEndian.AppendUint64(b, until)
}

// Grant is the authority's word that a node may read a blob until a time. Whoever the
// node shows it to can check it without asking anybody.
func (a *Authority) Grant(node jobs.NodeID, blob [32]byte, until time.Time) []byte {
	end := uint64(until.Unix())
	return append(binary.BigEndian.AppendUint64(nil, end), ed25519.Sign(a.private, grantText(a.Grid(), node, blob, end))...)
}

// Granted says whether a grant lets a node read a blob. This machine's clock may be behind:
// then it holds for longer.
func (id *Identity) Granted(node jobs.NodeID, blob [32]byte, grant []byte) bool {
	if len(grant) != grantSize {
		return false
	}
	end := binary.BigEndian.Uint64(grant)
	if end < uint64(max(0, time.Now().Unix())) {
		return false
	}
	text := grantText(id.Grid, node, blob, end)
	for _, ca := range id.Authorities() {
		if public, ok := ca.PublicKey.(ed25519.PublicKey); ok && ed25519.Verify(public, text, grant[8:]) {
			return true
		}
	}
	return false
}
