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

func TestSpan(t *testing.T) {
	index := fakeRef("index")
	shards := BlobInput{Blob: blob.Ref{Size: 25}, ShardSize: 10}
	indexed := BlobInput{Blob: blob.Ref{Size: 25}, Index: &index}
	entry := func(from, to uint64) []byte {
		return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, from), to)
	}
	for _, test := range []struct {
		name      string
		input     BlobInput
		i         Index
		entry     []byte
		off, size int64
		ok        bool
	}{
		{"first", shards, 0, nil, 0, 10, true},
		{"last", shards, 2, nil, 20, 5, true},
		{"beyond", shards, 3, nil, 0, 0, false},
		{"indexed", indexed, 7, entry(3, 25), 3, 22, true},
		{"empty", indexed, 0, entry(3, 3), 3, 0, true},
		{"backwards", indexed, 0, entry(3, 2), 0, 0, false},
		{"out of the blob", indexed, 0, entry(3, 26), 0, 0, false},
		{"negative", indexed, 0, entry(1<<63, 2), 0, 0, false},
		{"short entry", indexed, 0, make([]byte, 8), 0, 0, false},
	} {
		off, size, err := test.input.span(test.i, test.entry)
		if off != test.off || size != test.size || (err == nil) != test.ok {
			t.Errorf("%s: %d bytes from %d, %v", test.name, size, off, err)
		}
	}
	if off, size := indexEntry(3); off != 24 || size != 16 {
		t.Errorf("entry 3: %d bytes from %d", size, off)
	}
}
