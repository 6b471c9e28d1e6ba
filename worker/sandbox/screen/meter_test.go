package screen

import (
	"testing"

	"github.com/anthill-grid/anthill/worker/sandbox/guesttest"
	"github.com/anthill-grid/anthill/worker/sandbox/wasm"
)

// TestMeter has code whose cost can be added up by hand. Each branch costs four
// shares for each one before it and each value on the stack.
func TestMeter(t *testing.T) {
	const block, loop, empty, end, number, drop, load = 0x02, 0x03, 0x40, 0x0b, 0x41, 0x1a, 0x28
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
		{"a block with locals", 5, []byte{block, empty, end}, 5 + 6, 0},
		{"a block in two loops", 0, []byte{loop, empty, loop, empty, block, empty, end, end, end}, 2*2 + 2*3 + 3, 4 * (0 + 1 + 2 + 3 + 4)},
		{"a block after a loop", 0, []byte{loop, empty, end, block, empty, end}, 2*2 + 1, 4 * (0 + 1 + 2)},
		{"values on the stack", 0, []byte{number, 0, number, 0, block, empty, end, drop, drop}, 1, 4 * 2},
		{"values that were added", 0, []byte{number, 0, number, 0, 0x6a, block, empty, end, drop}, 1, 4 * 1},
		{"memory accesses", 0, []byte{number, 0, load, 2, 0, load, 2, 0, drop, block, empty, end}, 1, 2},
		{"vector accesses", 0, []byte{number, 0, 0xfd, 0, 0, 0, drop, block, empty, end}, 1, 1},
		{"filled memory", 3, []byte{number, 0, number, 0, number, 0, 0xfc, 11, 0}, 3 + 4*4, 4 * (4*3 + 0 + 1 + 2 + 3)},
		{"grown memory", 3, []byte{number, 0, 0x40, 0, drop}, 3 + 2*4, 4 * (2*1 + 0 + 1)},
		{"a value passed on", 0, []byte{block, 0x7f, number, 0, 0x0c, 0, end, drop}, 1 + 2, 4 * (1 + 1)},
		{"values passed to a loop", 0, []byte{number, 0, number, 0, loop, 4, number, 0, 0x0d, 0, end, drop, drop}, 2*2 + (1 + 1 + 2), 4 * (2 + (2 + 1) + (3 + 2))},
		{"a table", 3, []byte{block, empty, number, 0, 0x0e, 2, 0, 0, 1, end}, 3 + 4 + 3*4, 4 * 3 * (1 + 1)},
		{"a branch after a table", 0, []byte{block, empty, number, 0, 0x0e, 2, 0, 0, 0, end, block, empty, end}, 1 + 3 + 1, 4 * (3*(1+1) + 4)},
		{"the stack after a branch", 0, []byte{number, 0, block, empty, 0x0c, 0, end, block, empty, end, drop}, 1 + 1 + 1, 4 * (1 + (1 + 1) + (1 + 2))},
		{"dead code", 0, []byte{block, empty, 0x00, drop, drop, block, empty, end, end}, 2, 4 * 1},
		{"a call of a table", 0, []byte{number, 0, 0x11, 0, 0}, 8 + 1, 0},
		{"a conversion that traps", 0, []byte{0x43, 0, 0, 0, 0, 0xa8, drop}, 16, 0},
		{"a conversion that saturates", 0, []byte{0x43, 0, 0, 0, 0, 0xfc, 0, drop}, 16, 0},
		{"other conversions", 0, []byte{number, 0, 0xbe, 0xbb, 0xb6, 0xbc, 0xac, 0xa7, drop}, 0, 0},
		{"a call that takes four and gives one", 0, []byte{number, 0, number, 0, number, 0, number, 0, 0x10, 1, block, empty, end, drop}, 1 + 1, (4+1)*64 + 4*1},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			m, err := wasm.Decode(guesttest.Spec{
				Pages: 1, Table: true, Locals: c.locals, Code: c.code,
				Types:     []guesttest.Shape{{Params: 2, Results: 2}},
				Functions: []guesttest.Function{{Type: int(guesttest.FourArgs), Code: []byte{0x00}}},
			}.Encode())
			if err != nil {
				t.Fatal(err)
			}
			mt := meter{c: &checker{m: m, types: m.FunctionTypes()}, grown: map[uint32]bool{}}
			if err := mt.function(0); err != nil {
				t.Fatal(err)
			}
			if mt.units != c.units || mt.shares != c.shares {
				t.Errorf("%d units and %d shares, want %d and %d", mt.units, mt.shares, c.units, c.shares)
			}
		})
	}
}

// TestMeasure has a function that costs nothing and one of five locals.
func TestMeasure(t *testing.T) {
	costs, err := Measure(guesttest.Spec{Locals: 5, Pages: 1}.Encode(), Options{})
	if err != nil || costs.Work != 5 || costs.Most != 5 || costs.Limit <= ModuleWork {
		t.Errorf("costs %+v, %v; want work of 5 units and a limit for the module's size", costs, err)
	}
	if costs, err := Measure(guesttest.Spec{Locals: MaxLocals + 1, Pages: 1}.Encode(), Options{}); err == nil || costs.Work != 0 {
		t.Errorf("costs %+v of a module that was refused before: %v", costs, err)
	}
}
