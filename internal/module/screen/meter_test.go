package screen

import (
	"bytes"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// TestMeter has code whose cost can be added up by hand. Each branch costs four
// shares for each value on the stack, each local and each block of the engine's that
// dominates it; and a join what carried says.
func TestMeter(t *testing.T) {
	const block, loop, when, other, empty, end, br, brIf = 0x02, 0x03, 0x04, 0x05, 0x40, 0x0b, 0x0c, 0x0d
	const number, drop, load, read = 0x41, 0x1a, 0x28, 0x20
	// carried is what a join of so many ways costs, with so many blocks on them.
	carried := func(locals, ways, blocks int64) int64 {
		return ways*(32*locals+locals*locals/4) + locals*(16+blocks)
	}
	cases := []struct {
		name          string
		locals        uint32
		code          []byte
		units, shares int64
	}{
		{"nothing", 0, nil, 0, 0},
		{"locals alone", 5, nil, 5, 0},
		{"a block", 0, []byte{block, empty, end}, 1, 0},
		{"blocks", 0, []byte{block, empty, end, block, empty, end, block, empty, end}, 3, 4 * (0 + 1 + 2)},
		{"a block with locals", 5, []byte{block, empty, end}, 5 + 1, 4 * 5},
		{"a block in two loops", 0, []byte{loop, empty, loop, empty, block, empty, end, end, end}, 2*2 + 2*3 + 3, 4 * (2*1 + 2*4 + 6)},
		{"a block after a loop", 0, []byte{loop, empty, end, block, empty, end}, 2*2 + 1, 4 * (2*1 + 3)},
		{"values on the stack", 0, []byte{number, 0, number, 0, block, empty, end, drop, drop}, 1, 4 * 2},
		{"values that were added", 0, []byte{number, 0, number, 0, 0x6a, block, empty, end, drop}, 1, 4 * 1},
		{"memory accesses", 0, []byte{number, 0, load, 2, 0, load, 2, 0, drop, block, empty, end}, 1, 2 * 4},
		{"vector accesses", 0, []byte{number, 0, 0xfd, 0, 0, 0, drop, block, empty, end}, 1, 4},
		{"filled memory", 3, []byte{number, 0, number, 0, number, 0, 0xfc, 11, 0}, 3 + 4, 4*4*(3+3) + 4*16*3 + carried(3, 4, 0)},
		{"copied memory", 3, []byte{number, 0, number, 0, number, 0, 0xfc, 10, 0, 0}, 3 + 4, 4*4*(3+3) + 4*16*3},
		{"memory filled after a block", 3, []byte{block, empty, end, number, 0, number, 0, number, 0, 0xfc, 11, 0, read, 0, drop}, 3 + 1 + 4, 4*3 + 4*4*(3+3+1) + 4*16*3 + carried(3, 4, 4*1)},
		{"grown memory", 3, []byte{number, 0, 0x40, 0, drop}, 3 + 2, 2*4*(1+3) + 2*16*3},
		{"a value passed on", 0, []byte{block, 0x7f, number, 0, br, 0, end, drop}, 1 + 2, 4 * 1},
		{"values passed to a loop", 0, []byte{number, 0, number, 0, loop, 4, number, 0, brIf, 0, end, drop, drop}, 2*2 + (1 + 1 + 2), 4 * (2*(2+1) + (3 + 3))},
		{"a table", 3, []byte{block, empty, number, 0, 0x0e, 2, 0, 0, 1, end}, 3 + 1 + 3, 4*(3+3*(1+3)) + carried(3, 2, 0)},
		{"a branch after a table", 0, []byte{block, empty, number, 0, 0x0e, 2, 0, 0, 0, end, block, empty, end}, 1 + 3 + 1, 4 * (3*1 + 1)},
		{"the stack after a branch", 0, []byte{number, 0, block, empty, br, 0, end, block, empty, end, drop}, 1 + 1 + 1, 4 * (1 + 1 + (1 + 1))},
		{"dead code", 0, []byte{block, empty, 0x00, drop, drop, block, empty, br, 0, end, end}, 1, 0},
		{"a call of a table", 0, []byte{number, 0, 0x11, 0, 0}, 8 + 1, 0},
		{"a conversion that traps", 0, []byte{0x43, 0, 0, 0, 0, 0xa8, drop}, 16, 0},
		{"a conversion that saturates", 0, []byte{0x43, 0, 0, 0, 0, 0xfc, 0, drop}, 16, 0},
		{"other conversions", 0, []byte{number, 0, 0xbe, 0xbb, 0xb6, drop, number, 0, 0xac, 0xa7, drop}, 0, 0},
		{"an if", 2, []byte{number, 0, when, empty, end}, 2 + 1, 4*(1+2) + carried(2, 2, 1)},
		{"an if that ends", 2, []byte{number, 0, when, empty, 0x0f, end}, 2 + 2, 4 * ((1 + 2) + (2 + 1))},
		{"both arms", 2, []byte{number, 0, when, empty, other, end}, 2 + 2, 4*((1+2)+(2+1)) + carried(2, 2, 1+1)},
		{"an arm of two", 2, []byte{number, 0, when, empty, 0x0f, other, end}, 2 + 2, 4 * ((1 + 2) + (2 + 1))},
		{"branches out of a block", 2, []byte{block, empty, number, 0, brIf, 0, number, 0, brIf, 0, end, block, empty, end}, 2 + 4,
			4*(2+(1+2+0)+(1+2+1)+(2+1)) + carried(2, 3, 0+1+2)},
		{"turns of a loop", 2, []byte{loop, empty, number, 0, brIf, 0, end}, 2 + 2*2 + 2,
			4*(2*(2+1)+(1+2+3)) + 2*16*2 + carried(2, 2, 0+2)},
		{"a loop without turns", 2, []byte{block, empty, end, loop, empty, read, 0, drop, end, read, 0, drop}, 2 + 1 + 2*2,
			4*(2+2*(2+2)) + 2*16*2 + 2 + 1 + (2 + 1)},
		{"a loop without turns that is left", 2, []byte{block, empty, block, empty, end, loop, empty, br, 1, end, end}, 2 + 2 + 2*2 + 2,
			4*(2+2+2*(2+2)+(2+4)) + 2*16*2 + 2*1},
		{"a read after blocks", 1, []byte{block, empty, end, block, empty, end, read, 0, drop}, 1 + 2, 4*(1+(1+1)) + 2},
		{"a read after a join", 1, []byte{number, 0, when, empty, end, read, 0, drop}, 1 + 1, 4*(1+1) + carried(1, 2, 1)},
		{"accesses along one way of two", 0, []byte{number, 0, when, empty, number, 0, load, 2, 0, drop, end, block, empty, end}, 2, 4 * (1 + 1)},
		{"accesses along both ways", 0, []byte{number, 0, load, 2, 0, when, empty, end, block, empty, end}, 2, 4*(1+1) + 2*4},
		{"a float that shows its bits", 1, []byte{0x43, 0, 0, 0, 0, 0xbc, drop}, 1 + 1, 4*(1+1) + carried(1, 2, 0+1)},
		{"a stored float", 0, []byte{number, 0, 0x43, 0, 0, 0, 0, 0x38, 2, 0}, 1, 4 * 2},
		{"a global that is a float", 0, []byte{0x43, 0, 0, 0, 0, 0x24, 0, block, empty, end}, 1 + 1, 4*1 + 4*1},
		{"a global that is none", 0, []byte{number, 0, 0x24, 1}, 0, 0},
		{"more floats than are mended behind branches", 0, bytes.Repeat([]byte{0x43, 0, 0, 0, 0, 0xbc, drop}, rewrite.BranchedMends+1), rewrite.BranchedMends,
			4 * (rewrite.BranchedMends + rewrite.BranchedMends*(rewrite.BranchedMends-1)/2)},
		{"a call that takes four and gives one", 0, []byte{number, 0, number, 0, number, 0, number, 0, 0x10, 1, block, empty, end, drop}, 1 + 1, (4+1)*64 + 4*1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, err := wasm.Decode(handmade.Spec{
				Pages: 1, Table: true, Locals: c.locals, Code: c.code,
				Types:     []handmade.Shape{{Params: 2, Results: 2}},
				Functions: []handmade.Function{{Type: int(handmade.FourArgs), Code: []byte{0x00}}},
			}.Encode())
			if err != nil {
				t.Fatal(err)
			}
			globals := []wasm.GlobalType{{Type: wasm.F32, Mutable: true}, {Type: wasm.I32, Mutable: true}}
			mt := meter{c: &checker{m: m, types: m.FunctionTypes(), globals: globals}, grown: map[uint32]bool{}}
			if err := mt.function(0); err != nil {
				t.Fatal(err)
			}
			if mt.units != c.units || mt.shares != c.shares {
				t.Errorf("%d units and %d shares, want %d and %d", mt.units, mt.shares, c.units, c.shares)
			}
		})
	}
}

// TestCosts has a function that costs nothing and one of five locals.
func TestCosts(t *testing.T) {
	_, costs, err := Decode(handmade.Spec{Locals: 5, Pages: 1}.Encode(), Options{})
	if err != nil || costs.Work != 5 || costs.Most != 5 || costs.Limit <= ModuleWork {
		t.Errorf("costs %+v, %v; want work of 5 units and a limit for the module's size", costs, err)
	}
	if _, costs, err := Decode(handmade.Spec{Locals: MaxLocals + 1, Pages: 1}.Encode(), Options{}); err == nil || costs.Work != 0 {
		t.Errorf("costs %+v of a module that was refused before: %v", costs, err)
	}
}
