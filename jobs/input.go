package jobs

import (
	"math"
	"strconv"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Input is what the tasks read on stdin; exactly one of its fields is set.
type Input struct {
	Range *Range     `cbor:"1,keyasint,omitempty"`
	Blob  *BlobInput `cbor:"2,keyasint,omitempty"`
}

// Range gives task i the line "LO HI\n" with LO = From + i*Step and
// HI = min(LO+Step, To).
type Range struct {
	From int64 `cbor:"1,keyasint"`
	To   int64 `cbor:"2,keyasint"`
	Step int64 `cbor:"3,keyasint"`
}

// BlobInput gives task i a byte range of a blob: the i-th run of ShardSize
// bytes or, where Index is set, the bytes from the i-th to the (i+1)-th of the
// index's big-endian 64-bit offsets.
type BlobInput struct {
	Blob      blob.Ref  `cbor:"1,keyasint"`
	ShardSize int64     `cbor:"2,keyasint,omitempty"`
	Index     *blob.Ref `cbor:"3,keyasint,omitempty"`
	// Labels are what the tasks read in the words of the submitter. Only clients read
	// them.
	Labels *blob.Ref `cbor:"4,keyasint,omitempty"`
}

// Tasks is the number of tasks that follows from the input.
func (in Input) Tasks() int64 {
	switch {
	case in.Range != nil:
		r := in.Range
		if r.Step <= 0 || r.To <= r.From {
			return 0
		}
		return int64(min((uint64(r.To)-uint64(r.From)-1)/uint64(r.Step)+1, math.MaxInt64))
	case in.Blob != nil && in.Blob.Index != nil:
		return max(0, in.Blob.Index.Size/8-1)
	case in.Blob != nil && in.Blob.ShardSize > 0 && in.Blob.Blob.Size > 0:
		return (in.Blob.Blob.Size-1)/in.Blob.ShardSize + 1
	}
	return 0
}

// Line is what task i of a range reads.
func (r Range) Line(i Index) string {
	lo := r.From + int64(i)*r.Step
	hi := r.To
	if uint64(r.To)-uint64(lo) > uint64(r.Step) {
		hi = lo + r.Step
	}
	return strconv.FormatInt(lo, 10) + " " + strconv.FormatInt(hi, 10) + "\n"
}

func (s Spec) checkInput() *Rejection {
	in := s.Input
	if (in.Range == nil) == (in.Blob == nil) {
		return invalid("input", "it needs a range or a blob, and not both")
	}
	if b := in.Blob; b != nil {
		if b.Blob.ID.IsZero() {
			return invalid("input.blob", "there is none")
		}
		if (b.Index == nil) == (b.ShardSize <= 0) {
			return invalid("input.blob", "it needs a shard size or an index, and not both")
		}
		if b.Index != nil && (b.Index.ID.IsZero() || b.Index.Size%8 != 0) {
			return invalid("input.blob.index", "it is not a list of 64-bit offsets")
		}
		if b.Labels != nil && b.Labels.ID.IsZero() {
			return invalid("input.blob.labels", "there are none")
		}
	}
	switch n := in.Tasks(); {
	case n <= 0:
		return invalid("input", "it makes no tasks").next("check that the input is not empty, and that range.step is positive")
	case n > MaxTasks:
		return invalid("input", "it makes %d tasks, more than %d", n, MaxTasks).next("give each task more to do")
	}
	return nil
}
