package rewrite

import "github.com/anthill-grid/anthill/internal/module/wasm"

// cost is the price of the current instruction.
func (w *writer) cost() int64 {
	switch {
	case w.in.Op == wasm.OpNop:
		return 0
	case w.in.Op == wasm.OpMemoryGrow && !w.options.OldFuel:
		return 1 + growCall
	}
	return 1
}

// charge takes what is pending off the counter, before the current
// instruction.
func (w *writer) charge() {
	w.chargeDown(0)
}

// chargeDown leaves some of what is pending for later.
func (w *writer) chargeDown(rest int64) {
	if w.options.Fuel && w.pending != rest {
		w.flush()
		w.spend(w.pending - rest)
	}
	w.pending = rest
	w.charges++
}

func (w *writer) spend(n int64) {
	if n == 0 {
		return
	}
	w.get(w.counter)
	w.i64(n)
	w.op(wasm.OpI64Sub)
	w.set(w.counter)
}

// storeFuel makes the counter visible outside of the function, less n.
func (w *writer) storeFuel(n int64) {
	w.get(w.counter)
	if n != 0 {
		w.i64(n)
		w.op(wasm.OpI64Sub)
	}
	w.index(wasm.OpGlobalSet, w.fuel)
}

func (w *writer) loadFuel() {
	w.index(wasm.OpGlobalGet, w.fuel)
	w.set(w.counter)
}

// checkFuel ends the guest if the counter is below zero.
func (w *writer) checkFuel() {
	w.get(w.counter)
	w.i64(0)
	w.op(wasm.OpI64LtS)
	w.block(wasm.OpIf, wasm.BlockEmpty)
	w.get(w.counter)
	w.index(wasm.OpGlobalSet, w.fuel)
	w.op(wasm.OpUnreachable, wasm.OpEnd)
}

func (w *writer) open() {
	in := &w.in
	b := block{op: in.Op, dead: w.dead}
	if !w.dead {
		switch in.Op {
		case wasm.OpIf:
			w.pending++
		case wasm.OpLoop:
			w.charge()
			if w.options.Fuel {
				w.flushPast()
				w.checkFuel()
			}
		}
	}
	b.pending, b.charges = w.pending, w.charges
	w.blocks = append(w.blocks, b)
}

// middle is an else.
func (w *writer) middle() {
	b := &w.blocks[len(w.blocks)-1]
	if b.dead {
		return
	}
	if !w.dead {
		w.charge()
		b.arm = true
	}
	b.op = wasm.OpElse
	w.dead, w.pending = false, b.pending
	w.charges++
}

func (w *writer) closeBlock() {
	b := w.blocks[len(w.blocks)-1]
	w.blocks = w.blocks[:len(w.blocks)-1]
	switch {
	case b.dead:
	case b.op == wasm.OpLoop:
		if w.dead {
			w.pending = 0
		}
	case b.op == wasm.OpIf:
		w.closeIf(b)
	case b.targeted || b.arm:
		if !w.dead {
			w.charge()
		}
		w.dead, w.pending = false, 0
	}
}

// closeIf closes an if without else. All ways to its end must have charged
// the same: either what came since the if, or, if that is not possible,
// everything, for which an else is added.
func (w *writer) closeIf(b block) {
	if !b.targeted && (w.dead || w.charges == b.charges) {
		if !w.dead {
			w.chargeDown(b.pending)
		}
		w.dead, w.pending, w.charges = false, b.pending, b.charges
		return
	}
	if !w.dead {
		w.charge()
	}
	if w.options.Fuel && b.pending != 0 {
		w.flush()
		w.op(wasm.OpElse)
		w.spend(b.pending)
	}
	w.dead, w.pending = false, 0
	w.charges++
}

// meterBulk charges for instructions whose work depends on an operand.
func (w *writer) meterBulk() {
	switch w.in.Op {
	case wasm.OpMemoryInit, wasm.OpMemoryCopy, wasm.OpMemoryFill:
		w.chargeLength(memoryShift)
	case wasm.OpTableInit, wasm.OpTableCopy, wasm.OpTableFill:
		w.chargeLength(0)
	case wasm.OpMemoryGrow:
		if w.options.OldFuel {
			w.chargeGrowth(oldGrowShift)
		} else {
			w.chargeGrowth(growShift)
		}
	case wasm.OpTableGrow:
		w.chargeGrowth(0)
	}
}

// chargeLength charges for the length on top of the stack, before the current
// instruction.
func (w *writer) chargeLength(shift int64) {
	length := w.temp(wasm.I32)
	w.charge()
	w.flush()
	w.tee(length)
	w.get(w.counter)
	w.get(length)
	w.op(wasm.OpI64ExtendI32U)
	if shift > 0 {
		w.i64(shift)
		w.op(wasm.OpI64ShrU)
	}
	w.op(wasm.OpI64Sub)
	w.set(w.counter)
	w.checkFuel()
}

// chargeGrowth charges for what the current instruction has added.
func (w *writer) chargeGrowth(shift int64) {
	result, charge := w.temp(wasm.I32), w.temp(wasm.I64)
	w.charge()
	w.flush()
	w.tee(result)
	w.get(result)
	w.op(wasm.OpI64ExtendI32U)
	if shift > 0 {
		w.i64(shift)
		w.op(wasm.OpI64Shl)
	}
	w.set(charge)
	w.flushPast()
	w.tee(result)
	w.get(w.counter)
	w.get(charge)
	w.i64(0)
	w.get(result)
	w.i32(-1)
	w.op(wasm.OpI32Ne, wasm.OpSelect, wasm.OpI64Sub)
	w.set(w.counter)
	w.checkFuel()
}
