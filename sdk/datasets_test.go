package sdk

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/jobs"
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

func TestTheNameOfADatasetIsText(t *testing.T) {
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"d/corpus.txt": "corpus.txt", "d/dir/": "dir", ".": filepath.Base(here), "a\xffb\x1b\nc": "a?b??c", "é😀": "é😀",
		strings.Repeat("x", 200): strings.Repeat("x", 128), "x" + strings.Repeat("é", 100): "x" + strings.Repeat("é", 63), "\u202eb": "?b",
	} {
		if got := nameFor(path); got != want || !jobs.IsBlobName(got) || !utf8.ValidString(got) {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
	grid := connect(t, fakegrid.Start(t, 1), 100*time.Millisecond)
	path := filepath.Join(jobDir(t), "a.txt")
	for _, name := range []string{"a\xff", "a\nb", "a\x1b[1m", strings.Repeat("x", 129)} {
		if _, err := grid.Put(t.Context(), path, PutOptions{Name: name}); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), ": name: ") || !strings.Contains(NextStep(err), "--name") {
			t.Errorf("%q: got %v", name, err)
		}
	}
}
