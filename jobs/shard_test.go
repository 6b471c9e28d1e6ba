package jobs

import (
	"encoding/binary"
	"errors"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

func TestShardOfAnInput(t *testing.T) {
	data, index := blob.Ref{ID: blob.ID{1}, Size: 25}, blob.Ref{ID: blob.ID{2}, Size: 32}
	var offsets []byte
	for _, offset := range []uint64{0, 7, 7, 25} {
		offsets = binary.BigEndian.AppendUint64(offsets, offset)
	}
	read := func(ref blob.Ref, off, n int64) ([]byte, error) {
		if ref != index || off+n > int64(len(offsets)) {
			return nil, errors.New("it is not there")
		}
		return offsets[off : off+n], nil
	}
	for name, test := range map[string]struct {
		in   Input
		i    Index
		want Shard
	}{
		"a range":        {Input{Range: &Range{From: 5, To: 12, Step: 4}}, 1, Shard{Line: "9 12\n"}},
		"a split":        {Input{Blob: &BlobInput{Blob: data, ShardSize: 10}}, 2, Shard{Blob: data, Off: 20, Size: 5}},
		"an index":       {Input{Blob: &BlobInput{Blob: data, Index: &index}}, 2, Shard{Blob: data, Off: 7, Size: 18}},
		"an empty shard": {Input{Blob: &BlobInput{Blob: data, Index: &index}}, 1, Shard{Blob: data, Off: 7}},
		"no input":       {Input{}, 0, Shard{}},
	} {
		if got, err := test.in.Shard(test.i, read); err != nil || got != test.want {
			t.Errorf("%s: got %+v, %v, want %+v", name, got, err, test.want)
		}
	}
	for name, in := range map[string]Input{
		"beyond the index": {Blob: &BlobInput{Blob: data, Index: &index}},
		"beyond the input": {Blob: &BlobInput{Blob: data, ShardSize: 10}},
	} {
		if got, err := in.Shard(3, read); err == nil {
			t.Errorf("%s: got %+v", name, got)
		}
	}
}
