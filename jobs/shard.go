package jobs

import "github.com/anthill-grid/anthill/internal/blob"

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
		off, n := IndexEntry(i)
		var err error
		if entry, err = read(*index, off, n); err != nil {
			return Shard{}, err
		}
	}
	off, size, err := in.Blob.Shard(i, entry)
	return Shard{Blob: in.Blob.Blob, Off: off, Size: size}, err
}
