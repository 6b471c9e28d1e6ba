package jobs

import (
	"encoding/binary"
	"fmt"

	"github.com/anthill-grid/anthill/internal/blob"
)

// MaxShard is how many bytes a task may read on stdin: its worker holds them in
// memory.
const MaxShard = 1 << 30

// Shard is what one task reads on stdin: a line or, where Size is not 0, so
// many bytes of a blob from Off.
type Shard struct {
	Line      string
	Blob      blob.Ref
	Off, Size int64
}

// Shard finds what task i reads. Where the input has an index, read is asked for
// the n bytes from off of it that tell.
func (in Input) Shard(i Index, read func(index blob.Ref, off, n int64) ([]byte, error)) (Shard, error) {
	if in.Range != nil {
		return Shard{Line: in.Range.Line(i)}, nil
	}
	if in.Blob == nil {
		return Shard{}, nil
	}
	var entry []byte
	if index := in.Blob.Index; index != nil {
		off, n := indexEntry(i)
		var err error
		if entry, err = read(*index, off, n); err != nil {
			return Shard{}, err
		}
	}
	off, size, err := in.Blob.span(i, entry)
	return Shard{Blob: in.Blob.Blob, Off: off, Size: size}, err
}

// indexEntry is where an index of big-endian 64-bit offsets holds the beginning
// and the end of shard i: size bytes from off.
func indexEntry(i Index) (off, size int64) { return 8 * int64(i), 16 }

// span is the byte range of the blob that task i reads. entry is what stands at
// indexEntry(i), where there is an index.
func (b BlobInput) span(i Index, entry []byte) (off, size int64, err error) {
	off, end := int64(i)*b.ShardSize, min(int64(i+1)*b.ShardSize, b.Blob.Size)
	if b.Index != nil {
		if len(entry) != 16 {
			return 0, 0, fmt.Errorf("shard %d: its index entry has %d bytes, not 16", i, len(entry))
		}
		off, end = int64(binary.BigEndian.Uint64(entry)), int64(binary.BigEndian.Uint64(entry[8:]))
	}
	if off < 0 || end < off || end > b.Blob.Size {
		return 0, 0, fmt.Errorf("shard %d: bytes %d to %d do not lie in the input of %d bytes", i, off, end, b.Blob.Size)
	}
	return off, end - off, nil
}
