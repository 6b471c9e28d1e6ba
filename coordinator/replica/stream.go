package replica

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"github.com/anthill-grid/anthill/jobs"
)

// stream writes a snapshot piece by piece: encoded in one, that of a large state would
// take several times its memory. The bytes are the same.
type stream struct {
	w     *bufio.Writer
	of    *snapshot
	piece bytes.Buffer
	one   []byte
	tasks []jobs.ClosedTask
	most  int // elements of a list, or of a map, that are encoded at once
}

// maxPiece is how many elements are encoded at once: some 50 KB.
const maxPiece = 1024

// CBOR's major types.
const (
	cborUint     = 0
	cborNegative = 1
	cborBytes    = 2
	cborArray    = 4
	cborMap      = 5
)

// field writes the value of a field.
type field func() error

// head writes the head of an item.
func (x *stream) head(major byte, n uint64) error {
	_, err := x.w.Write(appendHead(nil, major, n))
	return err
}

func appendHead(b []byte, major byte, n uint64) []byte {
	major <<= 5
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	case n < 1<<32:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
	return binary.BigEndian.AppendUint64(append(b, major|27), n)
}

// encode writes a value.
func (x *stream) encode(v any) error { return encoding.NewEncoder(x.w).Encode(v) }

// elements writes those of a list or map of n elements, without its head.
func (x *stream) elements(v any, n int) error {
	x.piece.Reset()
	if err := encoding.NewEncoder(&x.piece).Encode(v); err != nil {
		return err
	}
	_, err := x.w.Write(x.piece.Bytes()[len(appendHead(nil, 0, uint64(n))):])
	return err
}

// fields writes a struct: those of small are encoded in one, and the others by large.
func (x *stream) fields(small any, large map[uint64]field) error {
	data, err := encoding.Marshal(small)
	if err != nil {
		return err
	}
	var rest map[uint64]cbor.RawMessage
	if err := decoding.Unmarshal(data, &rest); err != nil {
		return err
	}
	if err := x.head(cborMap, uint64(len(rest)+len(large))); err != nil {
		return err
	}
	for _, key := range slices.Sorted(maps.Keys(rest)) {
		large[key] = func() error { _, err := x.w.Write(rest[key]); return err }
	}
	for _, key := range slices.Sorted(maps.Keys(large)) {
		if err := x.head(cborUint, key); err != nil {
			return err
		}
		if err := large[key](); err != nil {
			return err
		}
	}
	return nil
}

func (x *stream) snapshot() error {
	return x.fields(struct {
		Index uint64 `cbor:"1,keyasint"`
	}{x.of.Index}, map[uint64]field{2: x.state})
}

func (x *stream) state() error {
	s := x.of.State
	small, large := s.Outline(), map[uint64]field{}
	if len(s.Jobs) > 0 {
		large[keyOf(small, "Jobs")] = x.jobs
	}
	return x.fields(small, large)
}

// jobs writes them in the order of their encoded ids: the shorter ones first.
func (x *stream) jobs() error {
	all := x.of.State.Jobs
	if err := x.head(cborMap, uint64(len(all))); err != nil {
		return err
	}
	byBytes := func(a, b jobs.JobID) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }
	for _, id := range slices.SortedFunc(maps.Keys(all), byBytes) {
		if err := x.encode(id); err != nil {
			return err
		}
		if err := x.job(id, all[id]); err != nil {
			return fmt.Errorf("job %s: %w", id, err)
		}
	}
	return nil
}

func (x *stream) job(id jobs.JobID, j *jobs.Job) error {
	small, large := *j, map[uint64]field{}
	small.Closed, small.Order, small.Open, small.Records, small.Unheld = nil, nil, nil, nil, nil
	if n := x.of.closedOf(id); n > 0 {
		large[keyOf(j, "Closed")] = func() error { return x.closed(id, n) }
	}
	if len(j.Order) > 0 {
		large[keyOf(j, "Order")] = func() error { return putList(x, j.Order) }
	}
	putPlaces(x, large, keyOf(j, "Open"), j.Open)
	putPlaces(x, large, keyOf(j, "Records"), j.Records)
	putPlaces(x, large, keyOf(j, "Unheld"), j.Unheld)
	return x.fields(&small, large)
}

func (x *stream) closed(id jobs.JobID, n int) error {
	if err := x.head(cborArray, uint64(n)); err != nil {
		return err
	}
	if x.tasks == nil {
		x.tasks = make([]jobs.ClosedTask, x.most)
	}
	for from := 0; from < n; {
		part := x.of.closed(id, from, x.tasks)
		for i := range part {
			if err := x.closedTask(&part[i]); err != nil {
				return err
			}
		}
		from += len(part)
	}
	return nil
}

// closedTask writes one as the encoder would, but without memory of its own for each:
// there are millions.
func (x *stream) closedTask(c *jobs.ClosedTask) error {
	b := append(x.one[:0], cborArray<<5|5, cborMap<<5|2, 1)
	b = append(appendHead(b, cborBytes, uint64(len(c.Output.ID))), c.Output.ID[:]...)
	b = append(b, 2)
	if size := c.Output.Size; size < 0 {
		b = appendHead(b, cborNegative, uint64(-1-size))
	} else {
		b = appendHead(b, cborUint, uint64(size))
	}
	b = append(appendHead(b, cborUint, c.Holders), cborArray<<5|2)
	for _, n := range []uint64{uint64(c.Voters[0]), uint64(c.Voters[1]), uint64(c.Sequence), c.Fuel} {
		b = appendHead(b, cborUint, n)
	}
	x.one = b
	_, err := x.w.Write(b)
	return err
}

func putList[T any](x *stream, list []T) error {
	if err := x.head(cborArray, uint64(len(list))); err != nil {
		return err
	}
	for part := range slices.Chunk(list, x.most) {
		if err := x.elements(part, len(part)); err != nil {
			return err
		}
	}
	return nil
}

// putPlaces adds a map to the large fields, unless it is empty.
func putPlaces[V any](x *stream, large map[uint64]field, key uint64, m map[jobs.Place]V) {
	if len(m) == 0 {
		return
	}
	large[key] = func() error {
		if err := x.head(cborMap, uint64(len(m))); err != nil {
			return err
		}
		part := make(map[jobs.Place]V, x.most)
		for keys := range slices.Chunk(slices.Sorted(maps.Keys(m)), x.most) {
			clear(part)
			for _, k := range keys {
				part[k] = m[k]
			}
			if err := x.elements(part, len(part)); err != nil {
				return err
			}
		}
		return nil
	}
}

// keyOf is by which key a field of a struct is encoded.
func keyOf(v any, name string) uint64 {
	f, found := reflect.TypeOf(v).Elem().FieldByName(name)
	text, _, _ := strings.Cut(f.Tag.Get("cbor"), ",")
	key, err := strconv.ParseUint(text, 10, 64)
	if !found || err != nil {
		panic(fmt.Sprintf("%T.%s has no key", v, name)) // a constant of this program
	}
	return key
}
