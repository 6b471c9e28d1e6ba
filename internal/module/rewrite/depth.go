package rewrite

import "github.com/anthill-grid/anthill/internal/module/wasm"

// DepthLimit is the sum of the weights of the functions on the call stack. A
// weight is about what the frame takes in the engine's compiler, in bytes, and
// seldom less; the compiler's own limit lies between 50 and 100 million bytes.
const DepthLimit = 48_000_000

// The weight of a function is that of a small frame, one for each byte of its
// code, since values that are spilled grow with it, and for each value that it
// takes and gives. Code that makes more values than that has the weight of the
// places that they may have in the frame. It is at least leastWeight, because
// the interpreter takes 4.2 KB of Go's stack for any frame: no more than 110,000
// frames fit the limit, which take less than the 512 MB that a goroutine's stack
// can have.
const (
	frameWeight = 96
	valueWeight = 16
	// placeWeight is what the frame has for a value, widePlaceWeight for any that
	// may be a vector.
	placeWeight     = 8
	widePlaceWeight = 16
	// Six bytes of code can make and use a vector, which takes 16 in the frame,
	// and as much again if it is mended.
	vectorWeight = 32
	leastWeight  = 440
)

// weight is what entering a function takes.
func (p *plan) weight(body int) int64 {
	t := p.typeOf(uint32(p.imported + body))
	n := frameWeight + valueWeight*int64(len(t.Params)+len(t.Results))
	vectors, place := p.vectors(body), int64(placeWeight)
	if vectors > 0 {
		place = widePlaceWeight
	}
	n += max(int64(len(p.m.Code[body].Code))+vectorWeight*vectors, place*p.surveys[body].values)
	return min(max(n, leastWeight), DepthLimit+1)
}

// vectors is how many vectors a function may hold: those that it declares,
// takes and gives, and those that its instructions can make.
func (p *plan) vectors(body int) int64 {
	t, n := p.typeOf(uint32(p.imported+body)), int64(p.surveys[body].vectors)
	for _, group := range p.m.Code[body].Locals {
		if group.Type == wasm.V128 {
			n += int64(group.Count)
		}
	}
	return n + int64(countVectors(t.Params)+countVectors(t.Results))
}

func countVectors(types []wasm.ValueType) int {
	n := 0
	for _, t := range types {
		if t == wasm.V128 {
			n++
		}
	}
	return n
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
