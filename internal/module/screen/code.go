package screen

import "github.com/anthill-grid/anthill/internal/module/wasm"

// apply does one instruction to the stack and checks that what it names exists.
// There is always a memory: checkCommand and checkExports come before.
func (c *checker) apply(s *stack, in *wasm.Instruction) {
	switch in.Op {
	case wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee:
		s.local(in)
	case wasm.OpBlock, wasm.OpLoop, wasm.OpIf:
		c.block(s, in)
	case wasm.OpElse:
		s.otherwise()
	case wasm.OpEnd:
		s.close()
	case wasm.OpBr:
		s.popAll(s.label(in.Index))
		s.unreachable()
	case wasm.OpBrIf:
		s.pop(wasm.I32)
		s.popAll(s.label(in.Index))
		s.pushAll(s.label(in.Index))
	case wasm.OpBrTable:
		s.choose(in.Labels)
	case wasm.OpReturn:
		s.popAll(s.frames[0].results)
		s.unreachable()
	case wasm.OpUnreachable:
		s.unreachable()
	case wasm.OpCall:
		s.call(c.callee(in.Index))
	case wasm.OpCallIndirect:
		c.callByTable(s, in)
	case wasm.OpDrop:
		s.popAny()
	case wasm.OpSelect:
		s.selectOne()
	case wasm.OpSelectTyped:
		s.selectOf(wasm.ValueType(in.Bytes[0]))
	default:
		c.applyRare(s, in)
	}
}

// local is an instruction for a local variable.
func (s *stack) local(in *wasm.Instruction) {
	if int64(in.Index) >= int64(len(s.locals)) {
		s.fail("there is no local %d", in.Index)
		return
	}
	t := s.locals[in.Index]
	if in.Op != wasm.OpLocalGet {
		s.pop(t)
	}
	if in.Op != wasm.OpLocalSet {
		s.push(t)
	}
}

func (c *checker) block(s *stack, in *wasm.Instruction) {
	f := frame{loop: in.Op == wasm.OpLoop, forked: in.Op == wasm.OpIf}
	switch {
	case in.Value >= 0:
		if in.Value >= int64(len(c.m.Types)) {
			s.fail("there is no type %d", in.Value)
			break
		}
		t := &c.m.Types[in.Value]
		f.params, f.results = t.Params, t.Results
	case in.Value != wasm.BlockEmpty:
		t := byte(in.Value) & 0x7f
		f.results = each[t : t+1]
	}
	s.open(f)
}

func (s *stack) call(t *wasm.FuncType) {
	if t == nil {
		s.fail("call of a function or type that does not exist")
		return
	}
	s.popAll(t.Params)
	s.pushAll(t.Results)
}

func (c *checker) callByTable(s *stack, in *wasm.Instruction) {
	if c.tableType(s, in.Second) != wasm.FuncRef {
		s.fail("call_indirect by table %d, which is none of functions", in.Second)
	}
	s.pop(wasm.I32)
	s.call(c.signature(in.Index))
}

// selectOne chooses among values whose type is not named, which may be no
// references.
func (s *stack) selectOne() {
	s.pop(wasm.I32)
	a, b := s.popAny(), s.popAny()
	if isReference(a) || isReference(b) {
		s.fail("select without a type among references")
	}
	if a != b && a != unknown && b != unknown {
		s.fail("select among %s and %s", typeName(b), typeName(a))
	}
	s.push(max(a, b)) // an unknown one is the least
}

func (s *stack) selectOf(t wasm.ValueType) {
	s.pop(wasm.I32)
	s.pop(t)
	s.pop(t)
	s.push(t)
}

func (c *checker) applyRare(s *stack, in *wasm.Instruction) {
	switch in.Op {
	case wasm.OpGlobalGet, wasm.OpGlobalSet:
		c.global(s, in)
	case wasm.OpRefNull:
		s.push(wasm.ValueType(in.Index))
	case wasm.OpRefIsNull:
		if t := s.popAny(); t != unknown && !isReference(t) {
			s.fail("%s where a reference must be", typeName(t))
		}
		s.push(wasm.I32)
	case wasm.OpRefFunc:
		if int64(in.Index) >= int64(len(c.declared)) || !c.declared[in.Index] {
			s.fail("ref.func of function %d, which no element segment, global or export names", in.Index)
		}
		s.push(wasm.FuncRef)
	case wasm.OpTableGet, wasm.OpTableSet, wasm.OpTableGrow, wasm.OpTableFill:
		c.table(s, in)
	default:
		c.checkImmediates(s, in)
		s.fixed(signatureOf(in.Op))
	}
}

func (c *checker) global(s *stack, in *wasm.Instruction) {
	if int64(in.Index) >= int64(len(c.globals)) {
		s.fail("there is no global %d", in.Index)
		return
	}
	g := c.globals[in.Index]
	if in.Op == wasm.OpGlobalGet {
		s.push(g.Type)
		return
	}
	if !g.Mutable {
		s.fail("global %d is constant", in.Index)
	}
	s.pop(g.Type)
}

// table is an instruction that takes or gives entries of a table.
func (c *checker) table(s *stack, in *wasm.Instruction) {
	t := c.tableType(s, in.Index)
	switch in.Op {
	case wasm.OpTableGet:
		s.pop(wasm.I32)
		s.push(t)
	case wasm.OpTableSet:
		s.pop(t)
		s.pop(wasm.I32)
	case wasm.OpTableGrow:
		s.pop(wasm.I32)
		s.pop(t)
		s.push(wasm.I32)
	case wasm.OpTableFill:
		s.pop(wasm.I32)
		s.pop(t)
		s.pop(wasm.I32)
	}
}

// tableType gives the type of a table's entries. Tables are never imported.
func (c *checker) tableType(s *stack, index uint32) wasm.ValueType {
	if int64(index) >= int64(len(c.m.Tables)) {
		s.fail("there is no table %d", index)
		return unknown
	}
	return c.m.Tables[index].Type
}

// elementType gives the type of a segment's elements.
func (c *checker) elementType(s *stack, index uint32) wasm.ValueType {
	if int64(index) >= int64(len(c.m.Elements)) {
		s.fail("there is no element segment %d", index)
		return unknown
	}
	return c.m.Elements[index].Type
}

// checkImmediates looks at what an instruction with a signature names.
func (c *checker) checkImmediates(s *stack, in *wasm.Instruction) {
	sig := signatureOf(in.Op)
	switch op := in.Op; {
	case !sig.known:
		s.fail("an instruction without a signature")
	case op >= wasm.OpI32Load && op <= wasm.OpI64Store32, op >= wasm.OpV128Load && op <= wasm.OpV128Store, op == wasm.OpV128Load32Zero, op == wasm.OpV128Load64Zero:
		s.checkAlign(in, sig)
	case op >= wasm.OpV128Load8Lane && op <= wasm.OpV128Store64Lane:
		s.checkAlign(in, sig)
		s.checkLane(in.Second, sig)
	case op == wasm.OpI8x16Shuffle:
		for _, lane := range in.Bytes {
			s.checkLane(uint32(lane), sig)
		}
	case sig.lanes > 0:
		s.checkLane(in.Index, sig)
	case op == wasm.OpMemoryInit, op == wasm.OpDataDrop:
		if c.m.DataCount == nil || int64(in.Index) >= int64(len(c.m.Data)) {
			s.fail("there is no data segment %d, or no count of them", in.Index)
		}
	case op == wasm.OpElemDrop:
		c.elementType(s, in.Index)
	case op == wasm.OpTableInit:
		s.checkSame(c.elementType(s, in.Index), c.tableType(s, in.Second))
	case op == wasm.OpTableCopy:
		s.checkSame(c.tableType(s, in.Index), c.tableType(s, in.Second))
	case op == wasm.OpTableSize:
		c.tableType(s, in.Index)
	}
}

func (s *stack) checkSame(a, b wasm.ValueType) {
	if a != b {
		s.fail("table of another type")
	}
}

func (s *stack) checkAlign(in *wasm.Instruction, sig *signature) {
	if in.Align > uint32(sig.align) {
		s.fail("alignment of 2^%d bytes where 2^%d is the most", in.Align, sig.align)
	}
}

func (s *stack) checkLane(lane uint32, sig *signature) {
	if lane >= uint32(sig.lanes) {
		s.fail("lane %d of %d", lane, sig.lanes)
	}
}
