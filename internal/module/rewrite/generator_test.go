package rewrite_test

import (
	"encoding/binary"
	"math/rand/v2"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// generator makes random modules that are valid and end: loops have counters,
// and functions only call those with higher indices, others 12 times in all.
type generator struct {
	r         *rand.Rand
	out       []byte
	functions []function
	at        int    // the function that is made
	locals    string // types of its parameters and locals
	counters  int    // how many of its last locals count loops
	labels    []byte // result types of the open blocks, 0 for none
	budget    int    // instructions that may still be made
	bits      bool   // let the program see the bits of floats
}

const numbers = i32 + i64 + f32 + f64

// module makes a module whose function "run" takes an i32 and gives all four
// number types.
func (g *generator) module() []byte {
	n := 2 + g.r.IntN(4)
	g.functions = []function{{name: "run", params: i32, results: numbers}}
	for range n {
		g.functions = append(g.functions, function{params: g.types(3), results: g.types(2)})
	}
	for g.at = range g.functions {
		g.body()
	}
	imports := []function{{name: "f64", params: f64}, {name: "two", params: f64 + f32}}
	return spec{imports: imports, functions: g.functions}.encode()
}

func (g *generator) types(most int) string {
	var out string
	for range g.r.IntN(most + 1) {
		out += string([]byte{g.numberType()})
	}
	return out
}

func (g *generator) numberType() byte { return numbers[g.r.IntN(4)] }

func (g *generator) body() {
	f := &g.functions[g.at]
	f.locals = i32 + i64 + f32 + f64 + f64 + v128 + i32 + i32 + i32 + i32
	g.locals, g.counters = f.params+f.locals, 4
	g.out, g.labels, g.budget = nil, nil, 60+g.r.IntN(200)
	for range 2 + g.r.IntN(6) {
		g.statement(3)
	}
	for _, t := range []byte(f.results) {
		g.expression(t, 2)
	}
	f.code = string(g.out)
}

func (g *generator) emit(bytes ...byte) {
	g.out = append(g.out, bytes...)
	g.budget--
}

func (g *generator) index(op byte, i int) {
	g.out = append(append(g.out, op), leb(i)...)
	g.budget--
}

// local is a random local of a type that is no counter, or -1.
func (g *generator) local(t byte) int {
	var all []int
	for i := range len(g.locals) - g.counters {
		if g.locals[i] == t {
			all = append(all, i)
		}
	}
	if len(all) == 0 {
		return -1
	}
	return all[g.r.IntN(len(all))]
}

func (g *generator) statement(depth int) {
	if g.budget <= 0 || depth == 0 {
		g.assign()
		return
	}
	switch g.r.IntN(16) {
	case 0, 1:
		g.store()
	case 2:
		g.inside(0x02, depth)
	case 3, 4:
		g.ifElse(depth)
	case 5, 6:
		g.loop(depth)
	case 7:
		g.branch(0x0d, depth)
	case 8:
		g.table(depth)
	case 9:
		g.callAny(depth)
	case 10:
		g.rare(depth)
	default:
		g.assign()
	}
}

func (g *generator) assign() {
	t := numbers[g.r.IntN(4)]
	if g.r.IntN(6) == 0 {
		t = v128[0]
	}
	if g.r.IntN(8) == 0 && t != v128[0] && t != i32[0] {
		g.expression(t, 2)
		g.index(0x24, int(0x7f-t))
		return
	}
	i := g.local(t)
	if i < 0 {
		return
	}
	g.expression(t, 2)
	g.index(0x21, i)
}

func (g *generator) store() {
	g.address()
	t := g.numberType()
	if !g.bits && (t == f32[0] || t == f64[0]) {
		t = i64[0]
	}
	g.expression(t, 2)
	g.emit(0x36+0x7f-t, 0, byte(g.r.IntN(64)))
}

func (g *generator) address() {
	g.expression(i32[0], 1)
	g.constant32(0x3ff)
	g.emit(0x71) // and
}

func (g *generator) constant32(v int64) { g.out = wasm.AppendS64(append(g.out, 0x41), v) }

func (g *generator) inside(op byte, depth int) {
	g.emit(op, 0x40)
	g.labels = append(g.labels, 0)
	for range 1 + g.r.IntN(3) {
		g.statement(depth - 1)
	}
	if g.r.IntN(6) == 0 {
		g.branch(0x0c, depth)
		g.statement(1)
	}
	g.labels = g.labels[:len(g.labels)-1]
	g.emit(0x0b)
}

func (g *generator) ifElse(depth int) {
	g.expression(i32[0], 2)
	g.emit(0x04, 0x40)
	g.labels = append(g.labels, 0)
	g.statement(depth - 1)
	if g.r.IntN(2) == 0 {
		if g.r.IntN(5) == 0 {
			g.branch(0x0c, depth)
		}
		g.emit(0x05)
		g.statement(depth - 1)
	}
	g.labels = g.labels[:len(g.labels)-1]
	g.emit(0x0b)
}

// loop runs up to 4 times; what it holds may leave it but not repeat it.
func (g *generator) loop(depth int) {
	counter := len(g.locals) - 1 - depth%4
	g.constant32(int64(g.r.IntN(4)))
	g.index(0x21, counter)
	g.emit(0x03, 0x40)
	g.labels = append(g.labels, 0xff)
	for range 1 + g.r.IntN(2) {
		g.statement(depth - 1)
	}
	g.labels = g.labels[:len(g.labels)-1]
	g.index(0x20, counter)
	g.constant32(1)
	g.emit(0x6b)
	g.index(0x22, counter)
	g.constant32(0)
	g.emit(0x4a, 0x0d, 0, 0x0b) // gt_s, br_if
}

// branch leads out of a block without results (not to a loop).
func (g *generator) branch(op byte, depth int) {
	if op == 0x0d {
		g.expression(i32[0], depth-1)
	}
	label, ok := g.label()
	if !ok {
		g.results()
		g.returnIf(op)
		return
	}
	g.index(op, label)
}

// returnIf drops the results again if it does not return. The condition of a
// br_if is below them.
func (g *generator) returnIf(op byte) {
	results := g.functions[g.at].results
	if op == 0x0c {
		g.emit(0x0f)
		return
	}
	g.expression(i32[0], 1)
	g.index(0x0d, len(g.labels))
	for range results {
		g.emit(0x1a)
	}
	g.emit(0x1a) // the condition that came first
}

func (g *generator) results() {
	for _, t := range []byte(g.functions[g.at].results) {
		g.expression(t, 1)
	}
}

func (g *generator) label() (int, bool) {
	var all []int
	for i, t := range g.labels {
		if t == 0 {
			all = append(all, len(g.labels)-1-i)
		}
	}
	if len(all) == 0 || g.r.IntN(8) == 0 {
		return 0, false
	}
	return all[g.r.IntN(len(all))], true
}

func (g *generator) table(depth int) {
	g.emit(0x02, 0x40, 0x02, 0x40)
	g.labels = append(g.labels, 0, 0)
	g.statement(depth - 1)
	g.expression(i32[0], 1)
	g.emit(0x0e, 2, 0, 1, byte(g.r.IntN(2)))
	g.statement(1)
	g.labels = g.labels[:len(g.labels)-1]
	g.emit(0x0b)
	g.statement(depth - 1)
	g.labels = g.labels[:len(g.labels)-1]
	g.emit(0x0b)
}

// callAny calls a later function, or an import, and drops what it gives.
func (g *generator) callAny(depth int) {
	if g.bits && g.r.IntN(4) == 0 {
		g.expression(f64[0], 1)
		if g.r.IntN(2) == 0 {
			g.expression(f32[0], 1)
			g.index(0x10, 1)
			return
		}
		g.index(0x10, 0)
		return
	}
	if g.r.IntN(3) == 0 {
		// Any function, but only 12 times in all: global 0 counts them.
		g.out = append(g.out, "\x23\x00\x41\x0c\x49\x04\x40\x23\x00\x41\x01\x6a\x24\x00"...)
		g.labels = append(g.labels, 0)
		g.call(g.r.IntN(len(g.functions)), depth)
		g.labels = g.labels[:len(g.labels)-1]
		g.emit(0x0b)
		return
	}
	if g.at+1 < len(g.functions) {
		g.call(g.at+1+g.r.IntN(len(g.functions)-g.at-1), depth)
	}
}

func (g *generator) call(callee, depth int) {
	f := &g.functions[callee]
	for _, t := range []byte(f.params) {
		g.expression(t, depth-1)
	}
	if g.r.IntN(3) == 0 && callee+2 < 8 {
		g.constant32(int64(callee + 2))
		g.index(0x11, callee+2)
		g.emit(0)
	} else {
		g.index(0x10, callee+2)
	}
	for range f.results {
		g.emit(0x1a)
	}
}

func (g *generator) rare(depth int) {
	switch g.r.IntN(6) {
	case 0:
		g.expression(i32[0], 1)
		g.emit(0x04, 0x40, 0x00, 0x0b) // trap, perhaps
	case 1: // fill at 0 to 1023 with up to 63
		g.address()
		g.expression(i32[0], 1)
		g.expression(i32[0], 1)
		g.constant32(63)
		g.emit(0x71, 0xfc, 0x0b, 0)
	case 2:
		g.constant32(int64(g.r.IntN(4)))
		g.emit(0x40, 0, 0x1a)
	case 3:
		g.address()
		g.address()
		g.constant32(int64(g.r.IntN(100)))
		g.emit(0xfc, 0x0a, 0, 0)
	case 4:
		g.emit(0x01)
	default:
		g.inside(0x02, depth)
	}
}

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
