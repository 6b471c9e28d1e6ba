package jobs

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

func TestRange(t *testing.T) {
	tests := []struct {
		r     Range
		tasks int64
		last  string
	}{
		{Range{0, 10, 5}, 2, "5 10\n"},
		{Range{0, 11, 5}, 3, "10 11\n"},
		{Range{-7, -1, 4}, 2, "-3 -1\n"},
		{Range{0, 1, math.MaxInt64}, 1, "0 1\n"},
		{Range{math.MinInt64, math.MaxInt64, math.MaxInt64}, 3, "9223372036854775806 9223372036854775807\n"},
		{Range{5, 5, 1}, 0, ""},
		{Range{5, 4, 1}, 0, ""},
		{Range{0, 5, -1}, 0, ""},
		{Range{math.MinInt64, math.MaxInt64, 1}, math.MaxInt64, ""},
	}
	for _, test := range tests {
		if n := (Input{Range: &test.r}).Tasks(); n != test.tasks {
			t.Errorf("%+v: %d tasks, want %d", test.r, n, test.tasks)
		} else if test.last != "" && test.r.Line(Index(n-1)) != test.last {
			t.Errorf("%+v: last line %q, want %q", test.r, test.r.Line(Index(n-1)), test.last)
		}
	}
}

func TestShard(t *testing.T) {
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
		off, size, err := test.input.Shard(test.i, test.entry)
		if off != test.off || size != test.size || (err == nil) != test.ok {
			t.Errorf("%s: %d bytes from %d, %v", test.name, size, off, err)
		}
	}
	if off, size := IndexEntry(3); off != 24 || size != 16 {
		t.Errorf("entry 3: %d bytes from %d", size, off)
	}
}
