package sdk

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// refusing is a grid's BlobService that keeps nothing.
type refusing struct {
	anthillv1.BlobServiceClient
	code codes.Code
}

func (r *refusing) KeepBlob(context.Context, *anthillv1.KeepBlobRequest, ...grpc.CallOption) (*anthillv1.KeepBlobResponse, error) {
	return nil, status.Error(r.code, "no")
}

func TestPutEndsWhenItsClaimIsRefused(t *testing.T) {
	grid := connect(t, fakegrid.Start(t, 1), 100*time.Millisecond)
	p, err := grid.openPeer(t.TempDir(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	ref := blob.Of([]byte("dataset")).Ref()
	for _, c := range []struct {
		code codes.Code
		want error
	}{{codes.ResourceExhausted, ErrRefused}, {codes.InvalidArgument, ErrInvalid}, {codes.Unavailable, nil}} {
		grid.blobs = &refusing{code: c.code}
		if err := p.renew(t.Context(), ref, "x"); !errors.Is(err, c.want) {
			t.Errorf("%v: got %v, want %v", c.code, err, c.want)
		}
	}
}
