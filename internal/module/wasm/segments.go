package wasm

import "fmt"

// Constant is what a constant expression leaves on the stack.
type Constant struct {
	// Values is how many it leaves; it must be one. Type is that of the last.
	Values int
	Type   ValueType
	// Place is the last i32 that it leaves, read as where a segment goes.
	Place uint32
	// Global is set if it asks a global variable, whose type is not known here.
	Global bool
	// Reference is set if it refers to a function, the last of which is Function.
	Reference bool
	Function  uint32
}

// ReadConstant reads the constant expression that code begins with, such as a
// Global's Init, and gives what follows it. Of what Decode would refuse it gives
// a Constant of no values.
func ReadConstant(code []byte) (c Constant, rest []byte) {
	r := reader{data: code}
	r.evaluate(&c, nil)
	if r.err != nil {
		return Constant{}, nil
	}
	return c, code[r.pos:]
}

// constant reads a constant expression and returns it with its end. Functions
// that it refers to are appended to functions, if that is given.
func (r *reader) constant(functions *[]uint32) []byte {
	start := r.pos
	var c Constant
	r.evaluate(&c, functions)
	if r.err != nil {
		return nil
	}
	return r.data[start:r.pos:r.pos]
}

func (r *reader) evaluate(c *Constant, functions *[]uint32) {
	for r.err == nil {
		at := r.pos
		switch op := Op(r.byte()); op {
		case OpEnd:
			return
		case OpI32Const:
			c.Place = uint32(r.signed(32))
			c.leave(I32)
		case OpI64Const:
			r.signed(64)
			c.leave(I64)
		case OpF32Const:
			r.bytes(4)
			c.leave(F32)
		case OpF64Const:
			r.bytes(8)
			c.leave(F64)
		case OpGlobalGet:
			r.u32()
			c.leave(0)
			c.Global = true
		case OpRefNull:
			c.leave(r.refType())
		case OpRefFunc:
			c.Reference, c.Function = true, r.u32()
			c.leave(FuncRef)
			if functions != nil {
				*functions = append(*functions, c.Function)
			}
		default:
			r.rareConstant(at, op)
			c.leave(V128)
		}
	}
}

func (c *Constant) leave(t ValueType) { c.Values, c.Type = c.Values+1, t }

func (r *reader) rareConstant(at int, op Op) {
	switch op {
	case 0x6a, 0x6b, 0x6c, 0x7c, 0x7d, 0x7e: // add, sub, mul
		r.unsupported(at, FeatureExtendedConst, "arithmetic in a constant expression")
	case 0xfb:
		r.unsupported(at, FeatureGC, "a constant expression")
	case opVectorPrefix:
		if r.u32() == uint32(OpV128Const&0xff) && r.pos == at+2 {
			r.bytes(16)
			return
		}
		fallthrough
	default:
		r.fail(at, fmt.Sprintf("opcode %#x in a constant expression", uint16(op)))
	}
}

// element reads an element segment. Bits of its flags are: not active, has a
// table index (or is declarative), holds expressions.
func (r *reader) element() Element {
	at := r.pos
	flags := r.u32()
	if flags > 7 {
		r.fail(at, fmt.Sprintf("element segment of kind %d", flags))
	}
	e := Element{Type: FuncRef}
	switch {
	case flags&1 == 0:
		if flags&2 != 0 {
			e.Table = r.u32()
		}
		e.Offset = r.constant(nil)
	case flags&2 == 0:
		e.Mode = Passive
	default:
		e.Mode = Declarative
	}
	if flags&3 != 0 {
		e.Type = r.elementType(flags&4 != 0)
	}
	r.entries(&e, flags&4 != 0)
	return e
}

func (r *reader) elementType(expressions bool) ValueType {
	if expressions {
		return r.refType()
	}
	at := r.pos
	if kind := r.byte(); kind != 0 {
		r.fail(at, fmt.Sprintf("elements of kind %d", kind))
	}
	return FuncRef
}

func (r *reader) entries(e *Element, expressions bool) {
	n, start := r.u32(), r.pos
	for ; n > 0 && r.err == nil; n-- {
		if expressions {
			r.constant(&e.Functions)
		} else {
			e.Functions = append(e.Functions, r.u32())
		}
		e.Count++
	}
	if expressions {
		e.Expressions = r.data[start:r.pos:r.pos]
	}
}

func (r *reader) dataSegment() DataSegment {
	at := r.pos
	var s DataSegment
	switch flags := r.u32(); flags {
	case 0:
		s.Offset = r.constant(nil)
	case 1:
		s.Mode = Passive
	case 2:
		if r.u32() != 0 {
			r.unsupported(at, FeatureMultiMemory, "a data segment of another memory")
		}
		s.Offset = r.constant(nil)
	default:
		r.fail(at, fmt.Sprintf("data segment of kind %d", flags))
	}
	s.Init = r.bytes(r.u32())
	return s
}

func (r *reader) body() Body {
	size := r.u32()
	inner := reader{base: r.base + r.pos, section: r.section}
	inner.data = r.bytes(size)
	inner.err = r.err
	var b Body
	for n := inner.u32(); n > 0 && inner.err == nil; n-- {
		b.Locals = append(b.Locals, LocalGroup{Count: inner.u32(), Type: inner.valueType()})
	}
	if b.LocalCount() > 0xffffffff {
		inner.fail(0, "more than 4294967295 locals")
	}
	b.Offset = inner.base + inner.pos
	b.Code = inner.bytes(uint32(len(inner.data) - inner.pos))
	if n := len(b.Code); n == 0 || b.Code[n-1] != byte(OpEnd) {
		inner.fail(inner.pos, "body without end")
	}
	if r.err == nil {
		r.err = inner.err
	}
	return b
}
