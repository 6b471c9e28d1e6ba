package screen

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// TestSignatures compares each signature with the engine: the instruction is
// valid with it, and by both no more if any part of it is another.
func TestSignatures(t *testing.T) {
	var known int
	for i := range signatures {
		op := wasm.Op(i)
		if i >= 0x100 {
			op += 0xfb00
		}
		sig := signatures[i]
		if !sig.known || op >= wasm.OpMemoryInit && op <= wasm.OpTableFill {
			continue // TestCode has those that name something
		}
		var refused *refusal.Error
		if errors.As(Check(one(op, sig), Options{}), &refused) && refused.Reason == refusal.Malformed {
			wantSame(t, fmt.Sprintf("opcode %#x, a gap", op), one(op, sig), false)
			continue
		}
		known++
		wantSame(t, fmt.Sprintf("opcode %#x", op), one(op, sig), true)
		for what, other := range others(op, sig) {
			wantSame(t, fmt.Sprintf("opcode %#x with %s", op, what), one(op, other), false)
		}
	}
	if known < 380 {
		t.Errorf("%d instructions have a signature, want most of 400", known)
	}
}

// others are signatures that differ in one thing.
func others(op wasm.Op, sig signature) map[string]signature {
	all := map[string]signature{}
	types := []wasm.ValueType{wasm.I32, wasm.I64, wasm.F32, wasm.F64, wasm.V128, wasm.FuncRef, wasm.ExternRef}
	for _, t := range types {
		for i := range sig.takes {
			if other := sig; t != sig.in[i] {
				other.in[i] = t
				all[fmt.Sprintf("operand %d %#x", i, t)] = other
			}
		}
		if other := sig; t != sig.out && (op < wasm.OpI32Const || op > wasm.OpF64Const) {
			other.out = t
			all[fmt.Sprintf("result %#x", t)] = other
		}
	}
	if other := sig; sig.takes > 0 {
		other.takes--
		copy(other.in[:], sig.in[1:])
		all["an operand less"] = other
	}
	if other := sig; isAccess(op) {
		other.align++
		all["more alignment"] = other
	}
	if other := sig; sig.lanes > 0 {
		other.lanes++
		all["a lane more"] = other
	}
	return all
}

func isAccess(op wasm.Op) bool {
	return op >= wasm.OpI32Load && op <= wasm.OpI64Store32 || op >= wasm.OpV128Load && op <= wasm.OpV128Store ||
		op >= wasm.OpV128Load8Lane && op <= wasm.OpV128Load64Zero
}

// one is a module whose code is the instruction, with operands and a result as
// the signature says, and the largest alignment and lane.
func one(op wasm.Op, sig signature) []byte {
	var code []byte
	for _, t := range sig.in[:sig.takes] {
		code = append(code, constants[t]...)
	}
	if op >= 0x100 {
		code = append(wasm.AppendU32(append(code, byte(op>>8)), uint32(op&0xff)), immediates(op, sig)...)
	} else {
		code = append(append(code, byte(op)), immediates(op, sig)...)
	}
	if sig.out == 0 {
		return handmade.Spec{Pages: 1, Code: code}.Encode()
	}
	// A block with a result says its type.
	code = append([]byte{0x02, byte(sig.out)}, code...)
	return handmade.Spec{Pages: 1, Code: append(code, 0x0b, 0x1a)}.Encode()
}

var constants = map[wasm.ValueType]string{
	wasm.I32: "\x41\x00", wasm.I64: "\x42\x00", wasm.F32: "\x43\x00\x00\x00\x00", wasm.F64: "\x44\x00\x00\x00\x00\x00\x00\x00\x00",
	wasm.V128:    "\xfd\x0c\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00",
	wasm.FuncRef: "\xd0\x70", wasm.ExternRef: "\xd0\x6f",
}

func immediates(op wasm.Op, sig signature) []byte {
	lane := sig.lanes - 1
	switch {
	case isAccess(op) && sig.lanes > 0:
		return []byte{sig.align, 0, lane}
	case isAccess(op):
		return []byte{sig.align, 0}
	case op == wasm.OpMemorySize, op == wasm.OpMemoryGrow:
		return []byte{0}
	case op >= wasm.OpI32Const && op <= wasm.OpF64Const:
		return []byte(constants[sig.out])[1:]
	case op == wasm.OpV128Const:
		return make([]byte, 16)
	case op == wasm.OpI8x16Shuffle:
		return append(make([]byte, 15), lane)
	case sig.lanes > 0:
		return []byte{lane}
	}
	return nil
}

// wantSame checks that the engine and we say the same of a module.
func wantSame(t *testing.T, what string, module []byte, valid bool) {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer func() { _ = r.Close(ctx) }()
	_, engine := r.CompileModule(ctx, module)
	if err := Check(module, Options{}); (err == nil) != valid || (engine == nil) != valid {
		t.Errorf("%s: we say %v, the engine %v; want valid: %v", what, err, engine, valid)
	}
}
