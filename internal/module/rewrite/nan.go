package rewrite

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// The canonical NaNs.
const (
	nan32 = 0x7fc00000
	nan64 = 0x7ff8000000000000
)

// makesNoNaN says whether an instruction gives floats whose bits are the same
// everywhere, NaN or not.
func makesNoNaN(op wasm.Op) bool {
	switch op {
	case wasm.OpF32Load, wasm.OpF64Load, wasm.OpF32Const, wasm.OpF64Const,
		wasm.OpF32ReinterpretI32, wasm.OpF64ReinterpretI64, wasm.OpF32x4ExtractLane, wasm.OpF64x2ExtractLane:
		return true
	}
	return op >= wasm.OpF32ConvertI32S && op <= wasm.OpF32ConvertI64U ||
		op >= wasm.OpF64ConvertI32S && op <= wasm.OpF64ConvertI64U
}

// Shown is the type of the float whose bits an instruction would show, which is mended
// before it, if it is one that takes a float from the stack for that. The globals are
// the module's.
func Shown(in *wasm.Instruction, globals []wasm.GlobalType) (t wasm.ValueType, shows bool) {
	switch in.Op {
	case wasm.OpF32Store, wasm.OpI32ReinterpretF32, wasm.OpF32Copysign, wasm.OpF32x4Splat, wasm.OpF32x4ReplaceLane:
		return wasm.F32, true
	case wasm.OpF64Store, wasm.OpI64ReinterpretF64, wasm.OpF64Copysign, wasm.OpF64x2Splat, wasm.OpF64x2ReplaceLane:
		return wasm.F64, true
	case wasm.OpGlobalSet:
		if int64(in.Index) < int64(len(globals)) {
			t = globals[in.Index].Type
		}
		return t, isFloat(t)
	}
	return 0, false
}

func isFloat(t wasm.ValueType) bool { return t == wasm.F32 || t == wasm.F64 }

// canonicalize mends the value on top of the stack if the current instruction
// would show its bits, and remembers vectors that have to be mended after it.
func (w *writer) canonicalize() {
	if t, shows := Shown(&w.in, w.globals); shows {
		w.scalar(t)
		return
	}
	w.vector = producedBy(w.in.Op)
}

// scalar mends the float on top of the stack before the current instruction.
func (w *writer) scalar(t wasm.ValueType) {
	if w.isClean() {
		return
	}
	w.flush()
	w.mendScalar(t)
}

// isClean says whether the instruction before cannot have given a fresh NaN.
// There is no label between it and the current one: that would be another
// instruction.
func (w *writer) isClean() bool {
	switch w.prev {
	case wasm.OpLocalGet:
		params := len(w.typeOf(w.function).Params)
		return int64(w.previous) >= int64(params) && !w.survey.dirty.has(w.previous)
	case wasm.OpGlobalGet:
		return int(w.previous) >= len(w.globals)-len(w.m.Globals)
	}
	return makesNoNaN(w.prev)
}

// BranchedMends is how many values of a function are mended behind a branch. Each
// branch costs the engine's compiler time and memory for each variable and each
// memory access before it, so what comes after these is mended without.
const BranchedMends = 128

// mendScalar puts the NaN in place of a value that is not v >= v. On amd64 a
// branch that depends on a comparison is one instruction, where select first
// makes the result a number and loads the NaN; and >= is one flag where == is
// two.
func (w *writer) mendScalar(t wasm.ValueType) {
	v := w.temp(t)
	w.mends++
	if w.mends > BranchedMends {
		w.tee(v)
		w.nan(t)
		w.isNumber(v, t)
		w.op(wasm.OpSelect)
		return
	}
	w.set(v)
	w.block(wasm.OpBlock, wasm.BlockEmpty)
	w.isNumber(v, t)
	w.index(wasm.OpBrIf, 0)
	w.nan(t)
	w.set(v)
	w.op(wasm.OpEnd)
	w.get(v)
}

func (w *writer) isNumber(v uint32, t wasm.ValueType) {
	w.get(v)
	w.get(v)
	if t == wasm.F32 {
		w.op(wasm.OpF32Ge)
	} else {
		w.op(wasm.OpF64Ge)
	}
}

func (w *writer) nan(t wasm.ValueType) {
	if t == wasm.F32 {
		w.f32(nan32)
	} else {
		w.f64(nan64)
	}
}

func (w *writer) hasFloatResults() bool {
	if !w.options.NaN || !w.exported[w.function] {
		return false
	}
	return hasFloats(w.typeOf(w.function).Results)
}

func hasFloats(types []wasm.ValueType) bool {
	return slices.ContainsFunc(types, isFloat)
}

// canonicalizeResults mends the floats among the results on the stack.
func (w *writer) canonicalizeResults() {
	results := w.typeOf(w.function).Results
	held := make([]uint32, len(results))
	for i := len(results) - 1; i >= 0; i-- {
		held[i] = w.addLocal(results[i])
		w.set(held[i])
	}
	for i, t := range results {
		w.get(held[i])
		if isFloat(t) {
			w.mendScalar(t)
		}
	}
}

// wrapImports adds, for each imported function that takes floats, a function
// that mends them and calls it.
func (p *plan) wrapImports() error {
	for f := range uint32(p.imported) {
		if !hasFloats(p.typeOf(f).Params) {
			continue
		}
		if p.takenAddress(f) {
			return refuse("function %d is imported, takes floats and is used other than by calling it", f)
		}
		if p.wrappers == nil {
			p.wrappers = make([]uint32, p.imported)
		}
		p.wrappers[f] = uint32(len(p.functions))
		p.functions = append(p.functions, p.functions[f])
		p.m.Functions = append(p.m.Functions, p.functions[f])
		p.m.Code = append(p.m.Code, p.wrapper(f))
	}
	return nil
}

// takenAddress says whether a function can be called without being named.
func (p *plan) takenAddress(f uint32) bool {
	return p.exported[f] || p.taken[f]
}

func (p *plan) wrapper(f uint32) wasm.Body {
	w := &writer{plan: p, function: f, survey: &survey{locals: uint64(len(p.typeOf(f).Params))}}
	for i, t := range p.typeOf(f).Params {
		w.get(uint32(i))
		if isFloat(t) {
			w.mendScalar(t)
		}
	}
	w.index(wasm.OpCall, f)
	w.op(wasm.OpEnd)
	body := wasm.Body{Code: w.out}
	for _, t := range w.fresh {
		body.Locals = append(body.Locals, wasm.LocalGroup{Count: 1, Type: t})
	}
	return body
}
