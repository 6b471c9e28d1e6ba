package swarm

import (
	"bytes"
	"context"
	"os"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

func reason(err error) string {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.ErrorInfo); ok && info.Domain == "anthill" {
			return info.Reason
		}
	}
	return ""
}

func TestServerRefuses(t *testing.T) {
	store := newStore(t, blobstore.Config{})
	data, secret := content(1, 2*piece), content(2, 10)
	id, hidden := blob.Of(data).ID(), blob.Of(secret).ID()
	for _, d := range [][]byte{data, secret} {
		if _, err := store.Put(d); err != nil {
			t.Fatal(err)
		}
	}
	if err := store.Begin(blob.Of(content(3, 3*piece))); err != nil {
		t.Fatal(err)
	}
	begun := blob.Of(content(3, 3*piece)).ID()
	srv := NewServer(ServerConfig{Store: store, Allow: func(_ context.Context, id blob.ID) bool { return id != hidden }})
	ctx := context.Background()
	stat := func(id []byte) error {
		_, err := srv.Stat(ctx, &anthillv1.StatRequest{Blob: id})
		return err
	}
	read := func(id []byte, pieces ...uint32) error {
		return srv.Read(&anthillv1.ReadRequest{Blob: id, Pieces: pieces}, &discard[anthillv1.ReadResponse]{ctx: ctx})
	}
	readBlobs := func(ids ...[]byte) error {
		return srv.ReadBlobs(&anthillv1.ReadBlobsRequest{Blobs: ids}, &discard[anthillv1.ReadBlobsResponse]{ctx: ctx})
	}
	for _, c := range []struct {
		name   string
		err    error
		code   codes.Code
		reason string
	}{
		{"stat of an unknown blob", stat(make([]byte, 32)), codes.NotFound, "BLOB_NOT_FOUND"},
		{"stat of a hidden one", stat(hidden[:]), codes.NotFound, "BLOB_NOT_FOUND"},
		{"stat of one without pieces", stat(begun[:]), codes.NotFound, "BLOB_NOT_FOUND"},
		{"stat of a short id", stat([]byte{1}), codes.InvalidArgument, "BAD_BLOB_ID"},
		{"read of a hidden blob", read(hidden[:], 0), codes.NotFound, "BLOB_NOT_FOUND"},
		{"read of a piece beyond the end", read(id[:], 0, 2), codes.NotFound, "BLOB_NOT_FOUND"},
		{"read of a huge piece number", read(id[:], 1<<32-1), codes.NotFound, "BLOB_NOT_FOUND"},
		{"read of too many", read(id[:], make([]uint32, blob.MaxPieces+1)...), codes.InvalidArgument, "TOO_MANY_PIECES"},
		{"read of blobs by a bad id", readBlobs([]byte{1}), codes.InvalidArgument, "BAD_BLOB_ID"},
		{"read of too many blobs", readBlobs(make([][]byte, maxBlobs+1)...), codes.InvalidArgument, "TOO_MANY_BLOBS"},
	} {
		if status.Code(c.err) != c.code || reason(c.err) != c.reason {
			t.Errorf("%s: %v, reason %q", c.name, c.err, reason(c.err))
		}
	}
}

func TestServerReadsInFrames(t *testing.T) {
	store := newStore(t, blobstore.Config{})
	data := content(1, piece+frameSize+1)
	ref, err := store.Put(data)
	if err != nil {
		t.Fatal(err)
	}
	out := &discard[anthillv1.ReadResponse]{ctx: context.Background()}
	if err := NewServer(ServerConfig{Store: store}).Read(&anthillv1.ReadRequest{Blob: ref.ID[:], Pieces: []uint32{1, 0}}, out); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(data))
	for _, f := range out.sent {
		if len(f.Data) > frameSize {
			t.Errorf("frame of %d bytes", len(f.Data))
		}
		copy(got[int(f.Piece)*piece+int(f.Offset):], f.Data)
	}
	if !bytes.Equal(got, data) || out.sent[0].Piece != 1 {
		t.Errorf("%d frames do not make the blob, or not in the order asked", len(out.sent))
	}
}

func TestServerReadsSmallBlobsInOrder(t *testing.T) {
	store := newStore(t, blobstore.Config{})
	datas, ids := smalls(3)
	large := content(1, piece+1)
	if _, err := store.PutMany([][]byte{datas[0], datas[2], large}); err != nil {
		t.Fatal(err)
	}
	largeID := blob.Of(large).ID()
	out := &discard[anthillv1.ReadBlobsResponse]{ctx: context.Background()}
	req := &anthillv1.ReadBlobsRequest{Blobs: [][]byte{ids[0][:], ids[1][:], ids[2][:], largeID[:]}}
	if err := NewServer(ServerConfig{Store: store}).ReadBlobs(req, out); err != nil {
		t.Fatal(err)
	}
	for k, missing := range []bool{false, true, false, true} {
		r := out.sent[k]
		if r.Missing != missing || !bytes.Equal(r.Blob, req.Blobs[k]) || (!missing && !bytes.Equal(r.Data, datas[k])) {
			t.Errorf("answer %d: missing %v, %d bytes", k, r.Missing, len(r.Data))
		}
	}
}

// A rotten disk must not make a liar of its owner.
func TestServerNeverSendsCorruptBytes(t *testing.T) {
	store := newStore(t, blobstore.Config{})
	ref, err := store.Put(content(1, 2*piece))
	if err != nil {
		t.Fatal(err)
	}
	path, err := store.Path(ref.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, make([]byte, 2*piece), 0o600); err != nil {
		t.Fatal(err)
	}
	srv, out := NewServer(ServerConfig{Store: store}), &discard[anthillv1.ReadResponse]{ctx: context.Background()}
	err = srv.Read(&anthillv1.ReadRequest{Blob: ref.ID[:], Pieces: []uint32{1}}, out)
	if status.Code(err) != codes.NotFound || len(out.sent) > 0 {
		t.Errorf("sent %d frames, %v", len(out.sent), err)
	}
	resp, err := srv.Stat(context.Background(), &anthillv1.StatRequest{Blob: ref.ID[:]})
	if err != nil || resp.Have[0] != 1 {
		t.Errorf("stat: %08b, %v", resp.GetHave(), err)
	}
}
