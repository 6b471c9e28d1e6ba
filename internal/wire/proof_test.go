package wire

import (
	"reflect"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

func TestProofSurvivesTheWire(t *testing.T) {
	want := &blob.Misserved{Manifest: []byte("m"), Served: blob.Served{
		Blob: blob.ID{1}, Piece: 2, Hash: [32]byte{3}, Receiver: "ada", At: 4, Key: []byte{5}, Signature: []byte{6},
	}}
	m := ProofToProto(want)
	if got, err := ProofFromProto("proof", m); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v", got, err)
	}
	m.Hash = m.Hash[1:]
	if _, err := ProofFromProto("proof", m); err == nil || !strings.Contains(err.Error(), "proof.hash") {
		t.Errorf("a hash that is too short: %v", err)
	}
}
