package rewrite_test

import (
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
