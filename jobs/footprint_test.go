package jobs

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

func TestFootprint(t *testing.T) {
	spec := Spec{}.WithDefaults()
	if got := spec.Footprint(0); got != (512+128+32)<<20 {
		t.Errorf("by default a task takes %d MiB", got>>20)
	}
	spec.Limits.Memory, spec.Limits.Output = 64<<20, 256<<20
	if got := spec.Footprint(1 << 30); got != (64+128+512+2048)<<20 {
		t.Errorf("with a large shard and output it takes %d MiB", got>>20)
	}
	index := blob.Ref{Size: 8 * 5}
	for _, test := range []struct {
		in   Input
		want int64
	}{
		{Input{Range: &Range{To: 9, Step: 1}}, 0},
		{Input{Blob: &BlobInput{Blob: blob.Ref{Size: 100}, ShardSize: 30}}, 30},
		{Input{Blob: &BlobInput{Blob: blob.Ref{Size: 100}, ShardSize: 300}}, 100},
		{Input{Blob: &BlobInput{Blob: blob.Ref{Size: 100}, Index: &index}}, 25},
		{Input{Blob: &BlobInput{Blob: blob.Ref{Size: 100}, Index: &blob.Ref{}}}, 100},
	} {
		if got := (Spec{Input: test.in}).LikelyShard(); got != test.want {
			t.Errorf("%+v: %d bytes, want %d", test.in, got, test.want)
		}
	}
}
