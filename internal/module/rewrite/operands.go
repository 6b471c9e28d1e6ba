package rewrite

import "github.com/anthill-grid/anthill/internal/module/wasm"

// operands follows how many values are on the operand stack, and counts those
// that the engine's compiler may have to keep in the frame: each has a place of
// its own there, which no other value gets when it is gone. They are what is
// below the arguments of a call, and what is on a stack of more values than
// there are registers. In code that is not valid or never reached it may count
// too many.
type operands struct {
	height, base int64 // base is that of the innermost block
	settled      int64 // so many of the lowest are counted
	kept         int64 // the count
	blocks       []operandBlock
}

// operandBlock is an open block: what the stack holds below its parameters.
type operandBlock struct{ base, params, results int64 }

// fewRegisters is less than any CPU has for a function's values.
const fewRegisters = 8

func (o *operands) reset() { *o = operands{blocks: o.blocks[:0]} }

func (o *operands) pop(n int64) {
	o.height = max(o.height-n, o.base)
	o.settled = min(o.settled, o.height)
}

func (o *operands) push(n int64) {
	o.height += n
	if o.height > fewRegisters {
		o.settle()
	}
}

// settle counts all that is on the stack.
func (o *operands) settle() {
	o.kept += o.height - o.settled
	o.settled = o.height
}

func (o *operands) open(params, results int64) {
	o.pop(params)
	o.blocks = append(o.blocks, operandBlock{o.height, params, results})
	o.base = o.height
	o.push(params)
}

func (o *operands) otherwise() {
	o.pop(o.height)
	o.push(o.blocks[len(o.blocks)-1].params)
}

// close ends a block, or the function, which has nothing above its last end.
func (o *operands) close() {
	n := len(o.blocks) - 1
	if n < 0 {
		return
	}
	o.pop(o.height)
	results := o.blocks[n].results
	o.blocks, o.base = o.blocks[:n], 0
	if n > 0 {
		o.base = o.blocks[n-1].base
	}
	o.push(results)
}

func (o *operands) call(t *wasm.FuncType) {
	o.pop(int64(len(t.Params)))
	o.settle()
	o.push(int64(len(t.Results)))
}

// operate does an instruction to the stack. What it names exists.
func (s *surveyor) operate() {
	o, in := &s.operands, &s.in
	switch in.Op {
	case wasm.OpIf:
		o.pop(1)
		o.open(s.blockCounts())
	case wasm.OpBlock, wasm.OpLoop:
		o.open(s.blockCounts())
	case wasm.OpElse:
		o.otherwise()
	case wasm.OpEnd:
		o.close()
	case wasm.OpCall:
		o.call(s.typeOf(in.Index))
	case wasm.OpCallIndirect:
		o.pop(1)
		o.call(&s.m.Types[in.Index])
	default:
		e := effectOf(in.Op)
		o.pop(int64(e.takes))
		o.push(int64(e.gives))
	}
}

func (s *surveyor) blockCounts() (params, results int64) {
	switch {
	case s.in.Value >= 0:
		t := &s.m.Types[s.in.Value]
		return int64(len(t.Params)), int64(len(t.Results))
	case s.in.Value == wasm.BlockEmpty:
		return 0, 0
	}
	return 0, 1
}

// effect is how many values an instruction takes off the stack and puts on it.
type effect struct{ takes, gives uint8 }

// effects are those of instructions of one byte that always have the same.
// Branches need none: what follows those that always leave is never reached.
var effects = makeEffects()

func makeEffects() (table [256]effect) {
	for _, span := range []struct {
		first, last wasm.Op
		effect
	}{
		{wasm.OpBrIf, wasm.OpBrTable, effect{1, 0}},
		{wasm.OpDrop, wasm.OpDrop, effect{1, 0}}, {wasm.OpSelect, wasm.OpSelectTyped, effect{3, 1}},
		{wasm.OpLocalGet, wasm.OpLocalGet, effect{0, 1}}, {wasm.OpLocalSet, wasm.OpLocalSet, effect{1, 0}},
		{wasm.OpLocalTee, wasm.OpLocalTee, effect{1, 1}},
		{wasm.OpGlobalGet, wasm.OpGlobalGet, effect{0, 1}}, {wasm.OpGlobalSet, wasm.OpGlobalSet, effect{1, 0}},
		{wasm.OpTableGet, wasm.OpTableGet, effect{1, 1}}, {wasm.OpTableSet, wasm.OpTableSet, effect{2, 0}},
		{0x28, 0x35, effect{1, 1}}, {0x36, 0x3e, effect{2, 0}}, // loads and stores
		{0x3f, 0x3f, effect{0, 1}}, {0x40, 0x40, effect{1, 1}}, // size of the memory
		{0x41, 0x44, effect{0, 1}},                                                         // constants
		{0x45, 0x45, effect{1, 1}}, {0x46, 0x4f, effect{2, 1}}, {0x50, 0x50, effect{1, 1}}, // comparisons
		{0x51, 0x66, effect{2, 1}},
		{0x67, 0x69, effect{1, 1}}, {0x6a, 0x78, effect{2, 1}}, {0x79, 0x7b, effect{1, 1}}, // arithmetic
		{0x7c, 0x8a, effect{2, 1}}, {0x8b, 0x91, effect{1, 1}}, {0x92, 0x98, effect{2, 1}},
		{0x99, 0x9f, effect{1, 1}}, {0xa0, 0xa6, effect{2, 1}}, {0xa7, 0xc4, effect{1, 1}},
		{wasm.OpRefNull, wasm.OpRefNull, effect{0, 1}}, {wasm.OpRefIsNull, wasm.OpRefIsNull, effect{1, 1}},
		{wasm.OpRefFunc, wasm.OpRefFunc, effect{0, 1}},
	} {
		for op := span.first; op <= span.last; op++ {
			table[op] = span.effect
		}
	}
	return table
}

// effectOf is exact except for vectors, which have their own weight: it takes most
// of their instructions for ones with a single operand.
func effectOf(op wasm.Op) effect {
	switch {
	case op < 0x100:
		return effects[op]
	case op == wasm.OpV128Const, op == wasm.OpTableSize:
		return effect{0, 1}
	case op == wasm.OpV128Store:
		return effect{2, 0}
	case op == wasm.OpDataDrop, op == wasm.OpElemDrop:
		return effect{}
	case op == wasm.OpTableGrow:
		return effect{2, 1}
	case op >= wasm.OpMemoryInit && op <= wasm.OpTableFill:
		return effect{3, 0}
	}
	return effect{1, 1}
}
