package handmade

import (
	"encoding/binary"
	"math"
)

// Instructions on floats that the spec lets make a NaN of either sign, and
// some around them. Those of f64 follow upon those of f32.
const (
	opLoad32     = 0x2a
	opLoad64     = 0x2b
	opStore32    = 0x38
	opStore64    = 0x39
	firstUnary32 = 0x8b // abs, neg, ceil, floor, trunc, nearest, sqrt
	firstUnary64 = 0x99
	unary        = 7
	firstBinary  = unary // add, sub, mul, div, min, max, copysign
	binaries     = 7
	opDemote     = 0xb6
	opPromote    = 0xbb
)

// FloatsSize is how many bytes Floats writes.
const FloatsSize = (8+4)*(unary*13+binaries*13*13) + 13*(4+8)

// operands are where rounding, signs and NaNs show.
func operands() [13]float64 {
	return [13]float64{
		0, math.Copysign(0, -1), 1, -1.5, 0.1, 1e300, -1e-310, 1e-45, math.Inf(1), math.Inf(-1),
		math.Float64frombits(0x7ff8000000000000), // the canonical NaN
		math.Float64frombits(0xfff8123400005678), // negative, with a payload
		math.Float64frombits(0x7ff0000020000001), // signalling
	}
}

// Floats applies each unary and binary instruction on f32 and f64 to all of
// some operands and their pairs, NaNs among them, and writes the bits of the
// results. Engines give NaNs of several kinds where they are left to.
func Floats() []byte {
	f := floats{data: make([]byte, 16), next: 1 << 16}
	f.operands()
	f.each(firstUnary64, opLoad64, opStore64, f.at64, 8)
	f.each(firstUnary32, opLoad32, opStore32, f.at32, 4)
	for i := range f.at64 {
		f.apply(4, opStore32, join(load(opLoad64, f.at64[i]), []byte{opDemote}))
		f.apply(8, opStore64, join(load(opLoad32, f.at32[i]), []byte{opPromote}))
	}
	code := join(f.code,
		[]byte{opConst, 0, opConst}, signedLEB(1<<16), []byte{opStore, 2, 0},
		[]byte{opConst, 4, opConst}, signedLEB(int64(f.next-1<<16)), []byte{opStore, 2, 0},
		[]byte{opConst, 1, opConst, 0, opConst, 1, opConst, 8, opCall, 0, opDrop},
	)
	return Spec{
		Imports: []Import{{ABI, "fd_write", FourArgs}}, Code: code, Pages: 2, Data: f.data,
	}.Encode()
}

// floats collects code that stores results one after the other.
type floats struct {
	data       []byte
	at64, at32 []int // addresses of the operands
	code       []byte
	next       int // address of the next result
}

// operands come from memory, so that no compiler knows them.
func (f *floats) operands() {
	for _, x := range operands() {
		f.at64 = append(f.at64, len(f.data))
		f.data = binary.LittleEndian.AppendUint64(f.data, math.Float64bits(x))
		f.at32 = append(f.at32, len(f.data))
		f.data = binary.LittleEndian.AppendUint32(f.data, bits32(math.Float64bits(x)))
	}
}

// bits32 halves the precision of a number; of a NaN it keeps the sign, whether
// it is quiet, and a payload.
func bits32(bits uint64) uint32 {
	if x := math.Float64frombits(bits); !math.IsNaN(x) {
		return math.Float32bits(float32(x))
	}
	return uint32(bits>>32)&0x80000000 | 0x7f800000 | uint32(bits>>29)&0x7fffff
}

// each applies the 14 instructions of a type.
func (f *floats) each(first, loading, storing byte, at []int, size int) {
	for op := range byte(unary) {
		for _, a := range at {
			f.apply(size, storing, join(load(loading, a), []byte{first + op}))
		}
	}
	for op := range byte(binaries) {
		for _, a := range at {
			for _, b := range at {
				f.apply(size, storing, join(load(loading, a), load(loading, b), []byte{first + firstBinary + op}))
			}
		}
	}
}

// apply stores what some code leaves on the stack.
func (f *floats) apply(size int, storing byte, code []byte) {
	f.code = append(f.code, opConst)
	f.code = append(f.code, signedLEB(int64(f.next))...)
	f.code = append(append(f.code, code...), storing, 0, 0)
	f.next += size
}

// load puts what is at an address on the stack.
func load(op byte, address int) []byte {
	return join([]byte{opConst}, signedLEB(int64(address)), []byte{op, 0, 0})
}
