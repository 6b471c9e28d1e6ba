package wire

import (
	"errors"
	"slices"
	"testing"

	"google.golang.org/protobuf/proto"
	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func anyRef(t *rapid.T) blob.Ref {
	var r blob.Ref
	copy(r.ID[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "id"))
	r.Size = rapid.Int64Range(0, blob.MaxSize).Draw(t, "size")
	return r
}

// sent is a message as the other side reads it.
func sent[M proto.Message](t *rapid.T, m M) M {
	raw, err := proto.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	got := m.ProtoReflect().New().Interface()
	if err := proto.Unmarshal(raw, got); err != nil {
		t.Fatal(err)
	}
	return got.(M)
}

func TestRefsSurviveTheWire(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		refs := rapid.SliceOfN(rapid.Custom(anyRef), 0, 3).Draw(t, "refs")
		got, err := RefsFromProto("refs", sent(t, &anthillv1.ConfirmHeldRequest{Sizes: RefsToProto(refs)}).GetSizes())
		if err != nil || !slices.Equal(got, refs) {
			t.Errorf("got %v, %v, want %v", got, err, refs)
		}
		var ids []blob.ID
		for _, r := range refs {
			ids = append(ids, r.ID)
		}
		same, err := IDsFromProto("ids", sent(t, &anthillv1.ConfirmHeldRequest{Blobs: IDsToProto(ids)}).GetBlobs())
		if err != nil || !slices.Equal(same, ids) {
			t.Errorf("got %v, %v, want %v", same, err, ids)
		}
	})
}

func TestRefFromProtoNamesTheField(t *testing.T) {
	if r, err := RefFromProto("bundle", nil); err != nil || r != (blob.Ref{}) {
		t.Errorf("no reference: %v, %v", r, err)
	}
	for _, m := range []*anthillv1.BlobRef{{}, {Id: make([]byte, 33)}, {Id: make([]byte, 32), Size: -1}, {Id: make([]byte, 32), Size: blob.MaxSize + 1}} {
		_, one := RefFromProto("bundle", m)
		_, many := RefsFromProto("bundle", []*anthillv1.BlobRef{m})
		for _, err := range []error{one, many} {
			var r *jobs.Rejection
			if !errors.As(err, &r) || r.Code != jobs.Invalid || r.Subject != "bundle" {
				t.Errorf("%v: got %v", m, err)
			}
		}
	}
}
