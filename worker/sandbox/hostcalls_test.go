package sandbox

import (
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/worker/sandbox/prices"
)

// TestHostCallsCostFuel has the host do work of several lengths. What is left of
// the fuel must be seen by the guest's own counter, too.
func TestHostCallsCostFuel(t *testing.T) {
	const constant, call, drop = 0x41, 0x10, 0x1a
	s := newSlot(t)
	for _, c := range []struct {
		name            string
		module          []byte
		byWork, byClaim uint64
	}{
		{"one random byte", handmade.Random(1, 1), 4 + prices.Call, 4 + prices.Call},
		{"random bytes", handmade.Random(10, 1<<20), 10 * (4 + prices.Call + 1<<20>>prices.BytesShift), 10 * (4 + prices.Call + 1<<20>>prices.BytesShift)},
		{"text", handmade.Print(2, "sixteen letters."), 12 + prices.Call + prices.Buffer + 16>>prices.BytesShift, 12 + prices.Call + prices.Buffer + 16>>prices.BytesShift},
		{"a bad descriptor", handmade.Print(9, "sixteen letters."), 12 + prices.Call, 12 + prices.Call + prices.Buffer},
		{"many empty buffers", handmade.Spec{
			Imports: []handmade.Import{{Module: handmade.ABI, Name: "fd_write", Signature: handmade.FourArgs}},
			Code:    []byte{constant, 2, constant, 16, constant, 0xe8, 0x07, constant, 0, call, 0, drop}, Pages: 1,
		}.Encode(), 6 + prices.Call + 1000*prices.Buffer, 6 + prices.Call + 1000*prices.Buffer},
		{"an import behind a table", throughTable(), 4 + prices.Call, 4 + prices.Call + prices.File},
	} {
		for rules, want := range map[uint32]uint64{0: c.byWork, prices.ByWork: c.byWork, prices.ByClaim: c.byClaim} {
			task := newTask(t, c.module)
			task.Metering = rules
			r := run(t, s, task)
			if wantStatus(t, r, Exited, ""); r.Fuel != want {
				t.Errorf("%s: %d units of fuel by rules %d, want %d", c.name, r.Fuel, rules, want)
			}
		}
	}
}

// TestOtherRulesAreNotCountedBy: a count by other rules would look like a lie.
func TestOtherRulesAreNotCountedBy(t *testing.T) {
	s, task := newSlot(t), newTask(t, handmade.Noop())
	for _, rules := range []uint32{1, prices.ByWork + 1} {
		task.Metering = rules
		if r, err := s.Run(t.Context(), task); err == nil {
			t.Errorf("rules %d: %v", rules, r.Status)
		}
	}
}

// throughTable closes descriptor 9 by call_indirect.
func throughTable() []byte {
	const constant, indirect, drop = 0x41, 0x11, 0x1a
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		[]byte{1, 9, 2, 0x60, 0, 0, 0x60, 1, 0x7f, 1, 0x7f}, // types
		[]byte{2, 35, 1, 22}, []byte(handmade.ABI), []byte{8}, []byte("fd_close"), []byte{0, 1},
		[]byte{3, 2, 1, 0, 4, 4, 1, 0x70, 0, 1, 5, 3, 1, 0, 1}, // a function, a table, a memory
		[]byte{7, 19, 2, 6}, []byte("_start"), []byte{0, 1, 6}, []byte("memory"), []byte{2, 0},
		[]byte{9, 7, 1, 0, constant, 0, 0x0b, 1, 0}, // the import is entry 0
		[]byte{10, 12, 1, 10, 0, constant, 9, constant, 0, indirect, 1, 0, drop, 0x0b},
	)
}

// TestOutOfFuelInAHostCall ends like out of fuel anywhere: with the limit.
func TestOutOfFuelInAHostCall(t *testing.T) {
	s := newSlot(t)
	for name, module := range map[string][]byte{
		"before the work": handmade.Random(1280, 1<<20),
		"after it":        handmade.Print(2, string(make([]byte, 32<<10))),
	} {
		for _, rules := range []uint32{prices.ByClaim, prices.ByWork} {
			task := newTask(t, module)
			task.Fuel, task.Metering = 600, rules
			r := run(t, s, task)
			if wantStatus(t, r, OutOfFuel, "limit of 600 units"); r.Fuel != 600 {
				t.Errorf("%s: %d units of fuel by rules %d, want the limit", name, r.Fuel, rules)
			}
		}
	}
}

// TestReadingCostsFuel by what is read, not by the room for it.
func TestReadingCostsFuel(t *testing.T) {
	s := newSlot(t)
	task := newTask(t, handmade.Echo())
	nothing := run(t, s, task).Fuel
	task.Stdin = make([]byte, 1<<10) // less than its buffer
	got := run(t, s, task).Fuel - nothing
	const calls, copied = 2*prices.Call + 2*prices.Buffer, 2 * (1 << 10 >> prices.BytesShift)
	if got < calls+copied || got > calls+copied+100 {
		t.Errorf("%d units of fuel to read and write 1024 bytes, want %d and some instructions", got, calls+copied)
	}
}
