package rewrite_test

import (
	"encoding/binary"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// expression leaves one value of a type.
func (g *generator) expression(t byte, depth int) {
	if depth <= 0 || g.budget <= 0 || g.r.IntN(4) == 0 {
		g.leaf(t)
		return
	}
	switch g.r.IntN(8) {
	case 0:
		g.blockValue(t, depth)
	case 1:
		g.expression(t, depth-1)
		g.expression(t, depth-1)
		g.expression(i32[0], depth-1)
		if t == v128[0] {
			g.emit(0x1c, 1, t)
		} else {
			g.emit(0x1b)
		}
	case 2:
		if i := g.local(t); i >= 0 {
			g.expression(t, depth-1)
			g.index(0x22, i)
			return
		}
		g.leaf(t)
	default:
		g.operate(t, depth)
	}
}

func (g *generator) blockValue(t byte, depth int) {
	if g.r.IntN(2) == 0 {
		g.expression(i32[0], depth-1)
		g.emit(0x04, t)
		g.labels = append(g.labels, t)
		g.expression(t, depth-1)
		g.emit(0x05)
		g.expression(t, depth-1)
	} else {
		g.emit(0x02, t)
		g.labels = append(g.labels, t)
		g.expression(t, depth-1)
		g.expression(i32[0], depth-1)
		g.emit(0x0d, 0)
		g.statement(1)
	}
	g.labels = g.labels[:len(g.labels)-1]
	g.emit(0x0b)
}

func (g *generator) leaf(t byte) {
	if i := g.local(t); i >= 0 && g.r.IntN(2) == 0 {
		g.index(0x20, i)
		return
	}
	switch t {
	case i32[0]:
		g.constant32(g.integer())
	case i64[0]:
		g.out = wasm.AppendS64(append(g.out, 0x42), g.integer())
	case f32[0]:
		g.out = binary.LittleEndian.AppendUint32(append(g.out, 0x43), uint32(g.pick(
			0, 0x80000000, 0x3f800000, 0xbf800000, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00000, 0x7fa00001, 1, 0x4f000000)))
	case f64[0]:
		g.out = binary.LittleEndian.AppendUint64(append(g.out, 0x44), g.pick(
			0, 1<<63, 0x3ff0000000000000, 0xbff0000000000000, 0x7ff0000000000000, 0xfff0000000000000,
			0x7ff8000000000000, 0xfff8000000000000, 0x7ff4000000000001, 1, 0x43e0000000000000))
	default:
		g.out = append(g.out, 0xfd, 0x0c)
		for range 4 {
			g.out = binary.LittleEndian.AppendUint32(g.out, uint32(g.pick(0, 0x3f800000, 0x7f800000, 0xffc00000, 0x7ff00000, 0xfff80000)))
		}
	}
	g.budget--
}

func (g *generator) integer() int64 {
	return int64(int32(g.pick(0, 1, 2, 3, 7, 63, 100, 0xffffffff, 0x80000000, 0x7fffffff)))
}

func (g *generator) pick(all ...uint64) uint64 { return all[g.r.IntN(len(all))] }

// operate applies a random instruction that gives t.
func (g *generator) operate(t byte, depth int) {
	o := g.operations(t)
	op := o[g.r.IntN(len(o))]
	if op.address {
		g.address()
	}
	for _, in := range []byte(op.operands) {
		g.expression(in, depth-1)
	}
	g.emit([]byte(op.code)...)
}

// operation is an instruction, what it takes, and whether it loads from an
// address.
type operation struct {
	code, operands string
	address        bool
}

func (g *generator) operations(t byte) []operation {
	var out []operation
	span := func(first, last byte, operands string) {
		for op := first; op <= last; op++ {
			out = append(out, operation{code: string([]byte{op}), operands: operands})
		}
	}
	load := func(op string) { out = append(out, operation{code: op + "\x00\x08", address: true}) }
	switch t {
	case i32[0]:
		span(0x45, 0x45, i32)
		span(0x46, 0x4f, i32+i32)
		span(0x5b, 0x60, f32+f32)
		span(0x61, 0x66, f64+f64)
		span(0x67, 0x69, i32)
		span(0x6a, 0x78, i32+i32) // divisions may trap
		span(0xa7, 0xa7, i64)
		span(0xc0, 0xc1, i32)
		out = append(out, operation{code: "\xfc\x00", operands: f32}, operation{code: "\xfc\x02", operands: f64})
		load("\x28")
		if g.bits {
			span(0xbc, 0xbc, f32)
			out = append(out, operation{code: "\xfd\x1b\x02", operands: v128}, operation{code: "\xfd\xa4\x01", operands: v128})
		}
	case i64[0]:
		span(0x7c, 0x8a, i64+i64)
		span(0xac, 0xad, i32)
		out = append(out, operation{code: "\xfc\x05", operands: f32}, operation{code: "\xfc\x06", operands: f64})
		load("\x29")
		if g.bits {
			span(0xbd, 0xbd, f64)
			out = append(out, operation{code: "\xfd\x1d\x01", operands: v128})
		}
	case f32[0]:
		span(0x8b, 0x91, f32)
		span(0x92, 0x97, f32+f32)
		span(0xb2, 0xb5, i32)
		out[len(out)-1].operands, out[len(out)-2].operands = i64, i64
		span(0xb6, 0xb6, f64)
		if g.bits {
			span(0x98, 0x98, f32+f32) // copysign
			span(0xbe, 0xbe, i32)
			out = append(out, operation{code: "\xfd\x1f\x03", operands: v128})
			load("\x2a")
		}
	case f64[0]:
		span(0x99, 0x9f, f64)
		span(0xa0, 0xa5, f64+f64)
		span(0xb7, 0xba, i32)
		out[len(out)-1].operands, out[len(out)-2].operands = i64, i64
		span(0xbb, 0xbb, f32)
		if g.bits {
			span(0xa6, 0xa6, f64+f64)
			span(0xbf, 0xbf, i64)
			out = append(out, operation{code: "\xfd\x21\x00", operands: v128})
			load("\x2b")
		}
	default:
		for _, op := range []byte{0xe3, 0xef, 0xe0, 0xe1, 0xec, 0xed, 0xfa, 0xfe} {
			out = append(out, operation{code: "\xfd" + string([]byte{op, 1}), operands: v128})
		}
		for _, op := range []byte{0xe4, 0xe5, 0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xf0, 0xf1, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7, 0xae} {
			out = append(out, operation{code: "\xfd" + string([]byte{op, 1}), operands: v128 + v128})
		}
		for _, op := range []byte{0x5e, 0x5f, 0x67, 0x68, 0x69, 0x6a, 0x74, 0x75, 0x7a, 0x4d} {
			out = append(out, operation{code: "\xfd" + string([]byte{op}), operands: v128})
		}
		for _, op := range []byte{0x41, 0x43, 0x47, 0x4a, 0x4e, 0x51} {
			out = append(out, operation{code: "\xfd" + string([]byte{op}), operands: v128 + v128})
		}
		out = append(out,
			operation{code: "\xfd\x13", operands: f32}, operation{code: "\xfd\x14", operands: f64},
			operation{code: "\xfd\x20\x01", operands: v128 + f32}, operation{code: "\xfd\x22\x01", operands: v128 + f64},
			operation{code: "\xfd\x94\x01", operands: v128})
		load("\xfd\x00")
	}
	return out
}
