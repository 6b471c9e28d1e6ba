package sdk

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// oneBlob is a grid's BlobService with one blob, of which two copies are needed.
type oneBlob struct {
	anthillv1.BlobServiceClient
	copies uint32
}

func (o *oneBlob) GetBlob(_ context.Context, req *anthillv1.GetBlobRequest, _ ...grpc.CallOption) (*anthillv1.GetBlobResponse, error) {
	return &anthillv1.GetBlobResponse{Blob: &anthillv1.Blob{
		Id: "x", Ref: &anthillv1.BlobRef{Id: req.GetId(), Size: 2500}, Copies: o.copies, CopiesNeeded: 2,
	}}, nil
}

func TestJobsWaitForNoDatasetThatIsNotHeld(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	fake := fakegrid.Start(t, 1)
	grid := connect(t, fake, time.Second)
	id := blob.Of([]byte("x")).ID()
	file, err := ParseJobFile(filepath.Join(jobDir(t), "job.yaml"), []byte(head+"input: {split: {file: 'blob:"+id.String()+"', size: 1000}}"))
	if err != nil {
		t.Fatal(err)
	}
	for copies := range uint32(3) {
		grid.blobs = &oneBlob{copies: copies}
		job, err := grid.Submit(t.Context(), file)
		if copies > 0 {
			if err != nil || job.Tasks() != 3 || job.Size() != int64(len(tinyModule))+2500 {
				t.Fatalf("with %d copies: %v", copies, err)
			}
			if err := job.Close(); err != nil {
				t.Error(err)
			}
			continue
		}
		want, next := "the grid has 0 of 2 copies so far", "run anthill put again"
		if !errors.Is(err, problem.ErrRefused) || !strings.Contains(err.Error(), want) || !strings.HasPrefix(problem.Next(err), next) {
			t.Errorf("without a copy: %v (%s), want %q (%s)", err, problem.Next(err), want, next)
		}
	}
	if n := len(fake.Submissions()); n != 2 {
		t.Errorf("%d jobs were submitted", n)
	}
}
