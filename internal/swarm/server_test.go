package swarm

import (
	"bytes"
	"context"
	"os"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
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
	secret := content(2, 10)
	hidden := blob.Of(secret).ID()
	if _, err := store.Put(secret); err != nil {
		t.Fatal(err)
	}
	srv := NewServer(ServerConfig{Store: store, Allow: func(_ context.Context, id blob.ID) bool { return id != hidden }})
	ctx := context.Background()
	exchange := func(id []byte) error {
		_, err := serveStore(t, srv).exchange(t, &anthillv1.ExchangeRequest{Blob: id}, 1)
		return err
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
		{"exchange of an unknown blob", exchange(make([]byte, 32)), codes.NotFound, "BLOB_NOT_FOUND"},
		{"exchange of a hidden one", exchange(hidden[:]), codes.NotFound, "BLOB_NOT_FOUND"},
		{"exchange of a short id", exchange([]byte{1}), codes.InvalidArgument, "BAD_BLOB_ID"},
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
	p := serveStore(t, NewServer(ServerConfig{Store: store}))
	sent, err := p.exchange(t, &anthillv1.ExchangeRequest{Blob: ref.ID[:], Ask: []uint32{1, 0}}, len(data))
	if err != nil {
		t.Fatal(err)
	}
	got := make([]byte, len(data))
	for _, f := range sent {
		if len(f.Data) > frameSize {
			t.Errorf("frame of %d bytes", len(f.Data))
		}
		copy(got[int(f.Piece)*piece+int(f.Offset):], f.Data)
	}
	if !bytes.Equal(got, data) || sent[0].Piece != 1 {
		t.Errorf("%d frames do not make the blob, or not in the order asked", len(sent))
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
	p := serveStore(t, NewServer(ServerConfig{Store: store}))
	stream := p.open(t, &anthillv1.ExchangeRequest{Blob: ref.ID[:], Ask: []uint32{1}})
	for {
		resp, err := stream.Recv()
		if err != nil || len(resp.GetData()) > 0 {
			t.Fatalf("sent %d bytes, %v", len(resp.GetData()), err)
		}
		if slices.Equal(resp.GetLacking(), []uint32{1}) {
			break
		}
	}
	if _, have, err := store.Have(ref.ID); err != nil || have[0] != 1 {
		t.Errorf("has %08b, %v", have, err)
	}
}

// serveStore is a peer with a server of its own.
func serveStore(t *testing.T, srv *Server) *testPeer {
	t.Helper()
	p := serve(t, jobs.Worker)
	p.PieceServiceServer = srv
	return p
}

func (p *testPeer) open(t *testing.T, hello *anthillv1.ExchangeRequest) grpc.BidiStreamingClient[anthillv1.ExchangeRequest, anthillv1.ExchangeResponse] {
	t.Helper()
	pool := newPool(insecure.NewCredentials())
	t.Cleanup(func() { _ = pool.Close() })
	conn, err := pool.Dial(t.Context(), p.Provider)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := anthillv1.NewPieceServiceClient(conn).Exchange(deadline(t, 10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	if err := stream.Send(hello); err != nil {
		t.Fatal(err)
	}
	return stream
}

// exchange collects frames until they hold n bytes.
func (p *testPeer) exchange(t *testing.T, hello *anthillv1.ExchangeRequest, n int) (frames []*anthillv1.ExchangeResponse, err error) {
	t.Helper()
	stream := p.open(t, hello)
	for n > 0 {
		resp, err := stream.Recv()
		if err != nil {
			return frames, err
		}
		if len(resp.GetData()) > 0 {
			frames = append(frames, resp)
			n -= len(resp.GetData())
		}
	}
	return frames, nil
}

// TestAStreamEndsWithItsPermission: what a job needs may be read while it runs.
func TestAStreamEndsWithItsPermission(t *testing.T) {
	store := newStore(t, blobstore.Config{})
	data := content(3, 4*int(blob.MinPiece))
	ref, err := store.Put(data)
	if err != nil {
		t.Fatal(err)
	}
	var over atomic.Bool
	srv := NewServer(ServerConfig{Store: store, Allow: func(context.Context, blob.ID) bool { return !over.Load() }})
	stream := serveStore(t, srv).open(t, &anthillv1.ExchangeRequest{Blob: ref.ID[:]})
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	over.Store(true)
	if err := stream.Send(&anthillv1.ExchangeRequest{Ask: []uint32{0, 1, 2, 3}}); err != nil {
		t.Fatal(err)
	}
	for {
		resp, err := stream.Recv()
		if err != nil {
			if status.Code(err) != codes.NotFound {
				t.Errorf("it ended with %v", err)
			}
			return
		}
		if len(resp.GetData()) > 0 {
			t.Fatal("data came after the permission had ended")
		}
	}
}
