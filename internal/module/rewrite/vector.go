package rewrite

import "github.com/anthill-grid/anthill/internal/module/wasm"

// shape says what floats a vector holds.
type shape byte

const (
	noShape shape = iota
	f32x4
	f64x2
)

// producedBy is the shape of the result of a vector instruction whose lanes
// may be fresh NaNs. pmin, pmax, abs and neg only move and change bits in the
// same way everywhere.
func producedBy(op wasm.Op) shape {
	switch op {
	case wasm.OpF32x4Ceil, wasm.OpF32x4Floor, wasm.OpF32x4Trunc, wasm.OpF32x4Nearest, wasm.OpF32x4Sqrt,
		wasm.OpF32x4Add, wasm.OpF32x4Sub, wasm.OpF32x4Mul, wasm.OpF32x4Div, wasm.OpF32x4Min, wasm.OpF32x4Max,
		wasm.OpF32x4DemoteF64x2Zero:
		return f32x4
	case wasm.OpF64x2Ceil, wasm.OpF64x2Floor, wasm.OpF64x2Trunc, wasm.OpF64x2Nearest, wasm.OpF64x2Sqrt,
		wasm.OpF64x2Add, wasm.OpF64x2Sub, wasm.OpF64x2Mul, wasm.OpF64x2Div, wasm.OpF64x2Min, wasm.OpF64x2Max,
		wasm.OpF64x2PromoteLowF32x4:
		return f64x2
	}
	return noShape
}

// absorbs says whether an instruction takes vectors of a shape without showing
// the bits of NaNs in them: its own result is mended, or only compares.
func absorbs(op wasm.Op, s shape) bool {
	switch {
	case op == wasm.OpF32x4DemoteF64x2Zero:
		return s == f64x2
	case op == wasm.OpF64x2PromoteLowF32x4:
		return s == f32x4
	case op >= wasm.OpF32x4Eq && op < wasm.OpF64x2Eq:
		return s == f32x4
	case op >= wasm.OpF64x2Eq && op < wasm.OpF64x2Eq+6:
		return s == f64x2
	}
	return producedBy(op) == s
}

// settleVector mends the vector that the instruction before has left on top of
// the stack, unless the current one absorbs it.
func (w *writer) settleVector() {
	s := w.vector
	if s == noShape {
		return
	}
	w.vector = noShape
	if absorbs(w.in.Op, s) {
		return
	}
	w.flush()
	v, equal := w.temp(wasm.V128), wasm.OpF64x2Eq
	w.tee(v)
	if s == f32x4 {
		equal = wasm.OpF32x4Eq
		w.v128(nan32<<32|nan32, nan32<<32|nan32)
	} else {
		w.v128(nan64, nan64)
	}
	w.get(v)
	w.get(v)
	w.op(equal, wasm.OpV128Bitselect)
}
