//go:build unix

package screen_test

import (
	"bytes"
	"math/rand/v2"
	"runtime"
	"sort"
	"syscall"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// babbler makes random code of some kinds of statements.
type babbler struct {
	*rand.Rand
	kinds  []func(b *babbler, open int)
	locals int
	often  []int // how often each kind comes up
	code   []byte
}

// kindsOfStatements make one each, within so many open blocks.
func kindsOfStatements() []func(b *babbler, open int) {
	return []func(b *babbler, open int){
		func(b *babbler, _ int) { b.get(1); b.op(wasm.OpDrop) },
		func(b *babbler, _ int) { b.get(4); b.op(wasm.OpI32Add, wasm.OpI32Add, wasm.OpI32Add, wasm.OpDrop) },
		func(b *babbler, _ int) { b.op(wasm.OpI32Const, 1); b.set() },
		func(b *babbler, _ int) { b.get(2); b.op(wasm.OpI32Add); b.set() },
		func(b *babbler, _ int) { b.get(1); b.op(wasm.OpI32Load, 2, 0); b.set() },
		func(b *babbler, _ int) { b.get(2); b.op(0xb2, wasm.OpF32Store, 2, 0) },                       // f32.convert_i32_s
		func(b *babbler, _ int) { b.get(2); b.op(wasm.OpF32Load, 2, 0, 0x91, wasm.OpF32Store, 2, 0) }, // f32.sqrt
		func(b *babbler, _ int) { b.get(3); b.op(0xfc, 11, 0) },                                       // memory.fill
		func(b *babbler, _ int) { b.get(1); b.op(wasm.OpMemoryGrow, 0); b.set() },
		func(b *babbler, _ int) { b.op(wasm.OpCall, 1) },
		func(b *babbler, open int) { b.op(wasm.OpBlock, 0x40); b.some(open + 1); b.op(wasm.OpEnd) },
		func(b *babbler, open int) { b.op(wasm.OpLoop, 0x40); b.some(open + 1); b.op(wasm.OpEnd) },
		func(b *babbler, open int) { b.get(1); b.op(wasm.OpIf, 0x40); b.some(open + 1); b.op(wasm.OpEnd) },
		func(b *babbler, open int) {
			b.get(1)
			b.op(wasm.OpIf, 0x40)
			b.some(open + 1)
			b.op(wasm.OpElse)
			b.some(open + 1)
			b.op(wasm.OpEnd)
		},
		func(b *babbler, open int) { b.get(1); b.op(wasm.OpBrIf); b.index(open) },
		func(b *babbler, open int) {
			b.get(1)
			b.op(wasm.OpIf, 0x40, wasm.OpBr)
			b.index(open + 1)
			b.op(wasm.OpEnd)
		},
		func(b *babbler, open int) {
			n := b.IntN(20)
			b.op(wasm.OpBlock, 0x40)
			b.get(1)
			b.op(wasm.OpBrTable, wasm.Op(n))
			for range n + 1 {
				b.index(open + 1)
			}
			b.op(wasm.OpEnd)
		},
		func(b *babbler, _ int) { b.op(wasm.OpBlock, 0x7f); b.get(2); b.op(wasm.OpBrIf, 0, wasm.OpEnd); b.set() },
	}
}

func (b *babbler) op(ops ...wasm.Op) {
	for _, op := range ops {
		b.code = append(b.code, byte(op))
	}
}

func (b *babbler) index(below int) { b.code = wasm.AppendU32(b.code, uint32(b.IntN(below))) }

func (b *babbler) get(n int) {
	for range n {
		b.op(wasm.OpLocalGet)
		b.index(b.locals)
	}
}

func (b *babbler) set() {
	b.op(wasm.OpLocalSet)
	b.index(b.locals)
}

// some are a few statements, unless the blocks are many.
func (b *babbler) some(open int) {
	if open < 12 {
		b.statements(b.IntN(4), open)
	}
}

func (b *babbler) statements(n, open int) {
	all := 0
	for _, often := range b.often {
		all += often
	}
	for range n {
		k, x := 0, b.IntN(all)
		for ; x >= b.often[k]; k++ {
			x -= b.often[k]
		}
		b.kinds[k](b, open)
	}
}

// babble is a function that repeats some random statements for as often as the
// limits allow, within a block, a loop, or a block with a loop in it. Before and
// after, each local is written and read.
func babble(seed uint64) []byte {
	b := babbler{Rand: rand.New(rand.NewPCG(seed, 0)), kinds: kindsOfStatements()}
	b.often = make([]int, len(b.kinds))
	b.locals = []int{1, 3, 10, 30, 100, 170, 300, 500, 1000}[b.IntN(9)]
	b.often[14]++
	for i := range b.often {
		if b.IntN(3) > 0 {
			b.often[i] += 1 << b.IntN(5)
		}
	}
	b.statements(1+b.IntN(30), 1)
	open := [][]byte{{0x02, 0x40}, {0x03, 0x40}, {0x02, 0x40, 0x03, 0x40, 0x20, 0, 0x0d, 0, 0x0b}}[b.IntN(3)]
	module := func(n int) []byte {
		var code []byte
		for i := range uint32(b.locals) {
			code = wasm.AppendU32(append(code, 0x41, 0, 0x28, 2, 0, 0x21), i) // local = load 0
		}
		code = append(append(code, open...), bytes.Repeat(b.code, n)...)
		code = append(code, 0x0b)
		for i := range uint32(b.locals) {
			code = append(wasm.AppendU32(append(code, 0x41, 0, 0x20), i), 0x36, 2, 0) // store 0, local
		}
		return handmade.Spec{Pages: 1, Functions: []handmade.Function{{}}, Locals: uint32(b.locals), Code: code}.Encode()
	}
	return module(sort.Search(screen.MaxBody/len(b.code), func(n int) bool { return screen.Check(module(n+1), screen.Options{}) != nil }))
}

// BenchmarkRandomCode compiles random functions that the limits just allow, as many
// as -benchtime says (300x), and prints what the worst of them took: processor time,
// and memory that was allocated in all. That is how the limit of work was set.
func BenchmarkRandomCode(b *testing.B) {
	var worst time.Duration
	var most uint64
	seed := uint64(0)
	for b.Loop() {
		seed++
		r, err := rewrite.Rewrite(babble(seed), rewrite.Options{NaN: true, Depth: true, Fuel: true})
		if err != nil {
			b.Fatal(err)
		}
		var took time.Duration
		n := allocatedBy(func() {
			runtime.GC()
			start := processorTime(b)
			compile(b, r.Module)
			took = processorTime(b) - start
		})
		if took > worst {
			worst = took
			b.Logf("seed %d: %v, %d MB, %d bytes", seed, took, n>>20, len(r.Module))
		}
		most = max(most, n)
	}
	b.ReportMetric(worst.Seconds(), "worst-cpu-s")
	b.ReportMetric(float64(most>>20), "worst-MB")
}

// processorTime is what this process has used of it.
func processorTime(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
