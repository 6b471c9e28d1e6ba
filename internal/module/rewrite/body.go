package rewrite

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// writer rewrites one body after the other. What nobody needs to change is
// copied in long pieces.
type writer struct {
	assembler
	*plan
	w      wasm.Walker
	in     wasm.Instruction
	code   []byte // the body as it came
	copied int    // how much of it is written

	function uint32 // the index of the function
	survey   *survey
	fresh    []wasm.ValueType // locals that were added
	temps    [256]uint32      // by type: the added local for short use, plus 1
	prev     wasm.Op          // the instruction before
	previous uint32           // and its index

	blocks  []block
	dead    bool  // the next instruction is never reached
	pending int64 // instructions executed but not yet charged
	charges int   // how many times pending was charged
	counter uint32
	mends   int // of scalars, so far

	vector shape // of lanes on top of the stack that may be fresh NaNs
}

// block is an open block of the body that came.
type block struct {
	op       wasm.Op
	dead     bool  // it is never entered
	targeted bool  // a branch leads to its label
	arm      bool  // its first arm reaches the end (of an if with else)
	pending  int64 // when it was entered
	charges  int
}

func (p *plan) rewriteBodies() error {
	if p.options == (Options{}) {
		return nil
	}
	w := &writer{plan: p}
	for i := range p.surveys {
		if err := w.body(i); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) body(i int) error {
	b := &w.m.Code[i]
	w.reset(i, b)
	wrapped := w.survey.exits && w.hasEpilogue()
	w.prologue()
	if wrapped {
		w.openWrapper()
	}
	for w.w.Next(&w.in) {
		w.settleVector()
		w.step(wrapped)
		w.prev, w.previous = w.in.Op, w.in.Index
	}
	if err := w.w.Err(); err != nil {
		return err
	}
	b.Code = slices.Clone(w.out)
	b.Locals = slices.Clone(b.Locals)
	for _, t := range w.fresh {
		b.Locals = append(b.Locals, wasm.LocalGroup{Count: 1, Type: t})
	}
	return nil
}

func (w *writer) reset(i int, b *wasm.Body) {
	w.w.Reset(b)
	w.code, w.copied, w.out = b.Code, 0, w.out[:0]
	w.function, w.survey = uint32(w.imported+i), &w.surveys[i]
	w.fresh, w.temps = w.fresh[:0], [256]uint32{}
	w.prev, w.blocks, w.dead, w.pending, w.charges, w.mends, w.vector = wasm.OpNop, w.blocks[:0], false, 0, 0, 0, noShape
	if w.options.Fuel {
		w.counter = w.addLocal(wasm.I64)
	}
}

func (w *writer) addLocal(t wasm.ValueType) uint32 {
	w.fresh = append(w.fresh, t)
	return uint32(w.survey.locals) + uint32(len(w.fresh)) - 1
}

// temp is a local for use within one instruction's replacement.
func (w *writer) temp(t wasm.ValueType) uint32 {
	if w.temps[t] == 0 {
		w.temps[t] = w.addLocal(t) + 1
	}
	return w.temps[t] - 1
}

// flush copies what came before the current instruction, so that something can
// be written in front of it; flushPast copies the instruction as well.
func (w *writer) flush()     { w.copyTo(w.in.Start) }
func (w *writer) flushPast() { w.copyTo(w.in.End) }

func (w *writer) copyTo(end int) {
	w.out = append(w.out, w.code[w.copied:end]...)
	w.copied = end
}

// skip leaves the current instruction out.
func (w *writer) skip() {
	w.flush()
	w.copied = w.in.End
}

// hasEpilogue says whether leaving the function needs more than end.
func (w *writer) hasEpilogue() bool {
	return w.options.Fuel || w.isCounted() || w.hasFloatResults()
}

func (w *writer) openWrapper() {
	results := w.typeOf(w.function).Results
	switch len(results) {
	case 0:
		w.block(wasm.OpBlock, wasm.BlockEmpty)
	case 1:
		w.block(wasm.OpBlock, wasm.BlockValue(results[0]))
	default:
		w.block(wasm.OpBlock, int64(w.typeIndex(wasm.FuncType{Results: results})))
	}
}

func (w *writer) prologue() {
	if w.isCounted() {
		w.enter()
	}
	if w.options.Fuel {
		w.loadFuel()
		if !w.survey.leaf() {
			w.checkFuel()
		}
	}
}

// epilogue is written once, before the function's last end.
func (w *writer) epilogue() {
	if w.options.Fuel {
		w.storeFuel(w.pending)
	}
	if w.isCounted() {
		w.leave()
	}
	if w.hasFloatResults() {
		w.canonicalizeResults()
	}
}

// step writes one instruction.
func (w *writer) step(wrapped bool) {
	in := &w.in
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		w.open()
	case wasm.OpElse:
		w.middle()
	case wasm.OpEnd:
		if len(w.blocks) == 0 {
			w.finish(wrapped)
			return
		}
		w.closeBlock()
	default:
		if w.dead {
			return
		}
		w.live(wrapped)
	}
}

// live writes an instruction that may be reached and opens or closes nothing.
func (w *writer) live(wrapped bool) {
	in := &w.in
	if in.Op >= wasm.OpLocalGet && in.Op <= wasm.OpLocalTee {
		w.pending++
		return
	}
	w.pending += w.cost()
	switch {
	case in.Op < wasm.OpDrop:
		w.control(wrapped)
	case in.Op >= wasm.OpI32Load:
		if w.options.Fuel {
			w.meterBulk()
		}
		if w.options.NaN {
			w.canonicalize()
		}
	case in.Op == wasm.OpGlobalSet && w.options.NaN:
		w.canonicalize()
	}
}

func (w *writer) control(wrapped bool) {
	in := &w.in
	switch in.Op {
	case wasm.OpBr, wasm.OpBrIf, wasm.OpBrTable:
		w.branch()
	case wasm.OpReturn:
		w.charge()
		if wrapped {
			w.skip()
			w.index(wasm.OpBr, uint32(len(w.blocks)))
		}
		w.dead = true
	case wasm.OpUnreachable:
		if w.options.Fuel {
			w.flush()
			w.storeFuel(w.pending)
		}
		w.dead, w.pending = true, 0
	case wasm.OpCall, wasm.OpCallIndirect:
		w.call()
	}
}

func (w *writer) branch() {
	w.charge()
	if w.in.Op == wasm.OpBrTable {
		for _, label := range w.in.Labels {
			w.target(label)
		}
	} else {
		w.target(w.in.Index)
	}
	w.dead = w.in.Op != wasm.OpBrIf
}

func (w *writer) target(label uint32) {
	if at := len(w.blocks) - 1 - int(label); at >= 0 {
		w.blocks[at].targeted = true
	}
}

// call has the fuel counted outside of the function meanwhile: the host takes some
// as well.
func (w *writer) call() {
	if w.options.Fuel {
		w.flush()
		w.storeFuel(w.pending)
		w.pending = 0
	}
	imported := w.in.Op == wasm.OpCall && int(w.in.Index) < w.imported
	if imported && w.wrappers != nil && w.wrappers[w.in.Index] != 0 {
		w.skip()
		w.index(wasm.OpCall, w.wrappers[w.in.Index])
	}
	if w.options.Fuel {
		w.flushPast()
		w.loadFuel()
		w.charges++
	}
}

// finish writes the end of the function.
func (w *writer) finish(wrapped bool) {
	w.flush()
	if wrapped {
		if !w.dead {
			w.charge()
		}
		w.op(wasm.OpEnd)
		w.dead, w.pending = false, 0
	}
	if !w.dead {
		w.epilogue()
	}
	w.flushPast()
}
