package rewrite_test

import (
	"testing"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// countEach is the dumb version of fuel: it adds 1 to a global before every
// instruction that costs, and the price of bulk instructions. The global is
// exported as "count".
func countEach(t testing.TB, module []byte) []byte {
	t.Helper()
	m, err := wasm.Decode(module)
	if err != nil {
		t.Fatal(err)
	}
	counter := uint32(len(m.GlobalTypes()))
	for i := range m.Code {
		var out []byte
		locals := uint32(m.Code[i].LocalCount()) + uint32(len(m.Types[m.Functions[i]].Params))
		w := m.Walk(i)
		for in := (wasm.Instruction{}); w.Next(&in); {
			out = append(out, dumbCount(&in, counter, locals)...)
			out = append(out, m.Code[i].Code[in.Start:in.End]...)
			if in.Op == wasm.OpMemoryGrow {
				out = append(out, dumbGrowth(counter, locals)...)
			}
		}
		if w.Err() != nil {
			t.Fatal(w.Err())
		}
		m.Code[i].Code = out
		m.Code[i].Locals = append(m.Code[i].Locals, wasm.LocalGroup{Count: 2, Type: wasm.I32})
	}
	m.Globals = append(m.Globals, wasm.Global{GlobalType: wasm.GlobalType{Type: wasm.I64, Mutable: true}, Init: []byte{0x42, 0, 0x0b}})
	m.Exports = append(m.Exports, wasm.Export{Name: "count", Kind: wasm.KindGlobal, Index: counter})
	return m.Encode()
}

func dumbCount(in *wasm.Instruction, counter, local uint32) []byte {
	switch in.Op {
	case wasm.OpNop, wasm.OpEnd, wasm.OpElse, wasm.OpBlock, wasm.OpLoop:
		return nil
	case wasm.OpMemoryFill, wasm.OpMemoryCopy:
		out := append([]byte{0x22}, leb(int(local))...)             // tee
		out = append(append(out, 0x23), leb(int(counter))...)       // global.get
		out = append(append(out, 0x20), leb(int(local))...)         // local.get
		out = append(out, 0xad, 0x42, 3, 0x88, 0x7c, 0x42, 1, 0x7c) // + length/8 + 1
		return append(append(out, 0x24), leb(int(counter))...)
	case wasm.OpMemoryGrow:
		out := append([]byte{0x22}, leb(int(local))...)
		return append(out, dumbAdd(counter, 101)...)
	}
	return dumbAdd(counter, 1)
}

func dumbAdd(counter uint32, n int64) []byte {
	out := append([]byte{0x23}, leb(int(counter))...)
	out = append(wasm.AppendS64(append(out, 0x42), n), 0x7c, 0x24)
	return append(out, leb(int(counter))...)
}

// dumbGrowth adds 4 for each page if memory.grow did not give -1.
func dumbGrowth(counter, local uint32) []byte {
	out := append([]byte{0x22}, leb(int(local)+1)...)
	out = append(append(out, 0x20), leb(int(local)+1)...)
	out = append(out, 0x41, 0x7f, 0x47, 0x04, 0x40) // -1, ne, if
	out = append(append(out, 0x23), leb(int(counter))...)
	out = append(append(out, 0x20), leb(int(local))...)
	out = append(out, 0xad, 0x42, 2, 0x86, 0x7c, 0x24)
	return append(append(out, leb(int(counter))...), 0x0b)
}
