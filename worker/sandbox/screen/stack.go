package screen

import "github.com/anthill-grid/anthill/worker/sandbox/wasm"

// stack follows the height of the operand stack, without types. It is exact
// for valid code but for vector instructions, where it may be too high until the
// block ends; for other code it is something between zero and the code's length.
type stack struct {
	height int64
	frames []frame
}

// frame is an open block.
type frame struct {
	base            int64 // height below its parameters
	params, results int64
	loop            bool
}

func (s *stack) reset(t *wasm.FuncType) {
	s.height = 0
	s.frames = append(s.frames[:0], frame{results: int64(len(t.Results))})
}

func (s *stack) top() frame { return s.frames[len(s.frames)-1] }

// arity is how many values a branch passes to a label.
func (s *stack) arity(label uint32) int64 {
	if int64(label) >= int64(len(s.frames)) {
		return 0
	}
	f := s.frames[len(s.frames)-1-int(label)]
	if f.loop {
		return f.params
	}
	return f.results
}

// change takes values off, though not those of outer blocks, and puts some on.
func (s *stack) change(pops, pushes int64) {
	s.height = max(s.height-pops, s.top().base) + pushes
}

func (s *stack) apply(in *wasm.Instruction, c *checker) {
	switch in.Op {
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		s.open(in, c)
	case wasm.OpElse:
		s.height = s.top().base + s.top().params
	case wasm.OpEnd:
		s.close()
	case wasm.OpBr, wasm.OpBrTable, wasm.OpReturn, wasm.OpUnreachable:
		s.height = s.top().base
	case wasm.OpCall:
		s.call(c.callee(in.Index))
	case wasm.OpCallIndirect:
		s.change(1, 0)
		s.call(c.signature(in.Index))
	default:
		s.change(effect(in.Op))
	}
}

func (s *stack) open(in *wasm.Instruction, c *checker) {
	if in.Op == wasm.OpIf {
		s.change(1, 0)
	}
	f := frame{loop: in.Op == wasm.OpLoop}
	if in.Value >= 0 {
		if t := c.signature(uint32(in.Value)); t != nil {
			f.params, f.results = int64(len(t.Params)), int64(len(t.Results))
		}
	} else if in.Value != wasm.BlockEmpty {
		f.results = 1
	}
	s.change(f.params, 0)
	f.base = s.height
	s.height += f.params
	s.frames = append(s.frames, f)
}

func (s *stack) close() {
	f := s.top()
	s.height = f.base + f.results
	if len(s.frames) > 1 {
		s.frames = s.frames[:len(s.frames)-1]
	}
}

func (s *stack) call(t *wasm.FuncType) {
	if t != nil {
		s.change(int64(len(t.Params)), int64(len(t.Results)))
	}
}

// effect is what other instructions take off the stack and put on it.
func effect(op wasm.Op) (pops, pushes int64) {
	switch {
	case op >= 0xfd00:
		return vectorEffect(op)
	case op >= 0xfc00:
		return bulkEffect(op)
	case op >= wasm.OpI32Const && op <= wasm.OpF64Const, op == wasm.OpLocalGet, op == wasm.OpGlobalGet,
		op == wasm.OpMemorySize, op == wasm.OpRefNull, op == wasm.OpRefFunc:
		return 0, 1
	case op == wasm.OpDrop, op == wasm.OpLocalSet, op == wasm.OpGlobalSet, op == wasm.OpBrIf:
		return 1, 0
	case op >= wasm.OpI32Store && op <= wasm.OpI64Store32, op == wasm.OpTableSet:
		return 2, 0
	case op == wasm.OpSelect, op == wasm.OpSelectTyped:
		return 3, 1
	case isBinary(op):
		return 2, 1
	}
	return 0, 0 // as many as before: loads, conversions, tests
}

// plain are the instructions of one byte that cost nothing and only change the
// stack: most of all code, which is why they have a table.
var plain = makePlain()

func makePlain() (table [256]struct {
	pops, pushes int64
	known        bool
}) {
	for op := wasm.OpNop; op < 0x100; op++ {
		if op == wasm.OpNop || op >= wasm.OpDrop && op != wasm.OpMemoryGrow && !isConversion(op) && (op < wasm.OpI32Load || op > wasm.OpI64Store32) {
			table[op].pops, table[op].pushes = effect(op)
			table[op].known = true
		}
	}
	return table
}

// isBinary tells whether a numeric instruction has two operands.
func isBinary(op wasm.Op) bool {
	for _, span := range [...][2]wasm.Op{
		{0x46, 0x4f}, {0x51, 0x5a}, {0x5b, 0x66}, // comparisons
		{0x6a, 0x78}, {0x7c, 0x8a}, {0x92, 0x98}, {0xa0, 0xa6}, // arithmetic
	} {
		if op >= span[0] && op <= span[1] {
			return true
		}
	}
	return false
}

func bulkEffect(op wasm.Op) (pops, pushes int64) {
	switch op {
	case wasm.OpMemoryInit, wasm.OpMemoryCopy, wasm.OpMemoryFill, wasm.OpTableInit, wasm.OpTableCopy, wasm.OpTableFill:
		return 3, 0
	case wasm.OpTableGrow:
		return 2, 1
	case wasm.OpTableSize:
		return 0, 1
	}
	return 0, 0
}

// vectorEffect takes arithmetic for unary, so that the height is never too low.
func vectorEffect(op wasm.Op) (pops, pushes int64) {
	switch {
	case op == wasm.OpV128Const:
		return 0, 1
	case op == wasm.OpV128Store, op >= wasm.OpV128Store8Lane && op <= wasm.OpV128Store64Lane:
		return 2, 0
	case op == wasm.OpV128Bitselect:
		return 3, 1
	case op == wasm.OpI8x16Shuffle, op >= wasm.OpV128Load8Lane && op < wasm.OpV128Store8Lane:
		return 2, 1
	}
	return 0, 0
}
