package rewrite

import "github.com/anthill-grid/anthill/worker/sandbox/wasm"

// DepthLimit is the sum of the weights of the functions on the call stack, in
// about the bytes of their frames in the engine's compiler.
const DepthLimit = 32 << 20

// The weight of a function is what a frame takes at least, and what each of
// its locals adds.
const (
	frameWeight = 128
	localWeight = 8
)

// weight is what entering a function takes.
func (p *plan) weight(body int) int64 {
	return frameWeight + localWeight*int64(min(p.surveys[body].locals, DepthLimit))
}

func (w *writer) isCounted() bool {
	return w.counted != nil && w.counted[w.function-uint32(w.imported)]
}

// enter takes the function's weight off the depth that is left.
func (w *writer) enter() {
	left := w.temp(wasm.I32)
	w.index(wasm.OpGlobalGet, w.depth)
	w.i32(w.weight(int(w.function) - w.imported))
	w.op(wasm.OpI32Sub)
	w.tee(left)
	w.index(wasm.OpGlobalSet, w.depth)
	w.get(left)
	w.i32(0)
	w.op(wasm.OpI32LtS)
	w.block(wasm.OpIf, wasm.BlockEmpty)
	w.op(wasm.OpUnreachable, wasm.OpEnd)
}

// leave gives it back.
func (w *writer) leave() {
	w.index(wasm.OpGlobalGet, w.depth)
	w.i32(w.weight(int(w.function) - w.imported))
	w.op(wasm.OpI32Add)
	w.index(wasm.OpGlobalSet, w.depth)
}

// chooseCounted picks the functions that can come to call themselves, and takes
// the longest chain of the others off the limit. A chain that is too long for
// that is counted as well.
func (p *plan) chooseCounted() {
	g := newGraph(p)
	g.findComponents()
	var longest int64
	for _, chain := range g.chain {
		longest = max(longest, chain)
	}
	if longest > DepthLimit/2 {
		longest = 0
	}
	p.counted = make([]bool, len(p.surveys))
	for i := range p.counted {
		p.counted[i] = longest == 0 || g.cyclic[g.component[i]]
	}
	p.limit = DepthLimit - longest
}
