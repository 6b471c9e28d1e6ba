package wasm

import (
	"encoding/binary"
	"fmt"
)

// Instruction is one instruction of a body.
type Instruction struct {
	Op Op
	// Start and End are its place in the body's code.
	Start, End int
	// Index is the first immediate: a label (how many blocks outwards), the
	// index of a local, global, function, table or segment, the type index of
	// call_indirect, a lane, the byte offset of a memory access, or the
	// heap type of ref.null.
	Index uint32
	// Second is the second immediate: the table of call_indirect, the table of
	// table.init, the source table of table.copy, the lane of a lane access.
	Second uint32
	// Align is the exponent of a memory access's alignment.
	Align uint32
	// Value is an integer constant, the bits of a float constant, or the type
	// of a block: BlockEmpty, a value type as BlockValue gives it, or a type
	// index from 0.
	Value int64
	// Labels are br_table's, the default last; Bytes the immediates of
	// v128.const, the lanes of a shuffle, or the types of select. Both are
	// only good until the next instruction.
	Labels []uint32
	Bytes  []byte
}

// BlockEmpty is the Value of a block without parameters and results.
const BlockEmpty = -64

// BlockValue is the Value of a block that has one result.
func BlockValue(t ValueType) int64 { return int64(t) - 0x80 }

// Walker reads the instructions of a body one after the other. It checks that
// blocks nest, that labels exist and that the body ends where its code ends.
type Walker struct {
	r      reader
	blocks []Op
	labels []uint32
	done   bool
}

// Walk begins at the start of the i-th body of m.Code.
func (m *Module) Walk(i int) *Walker {
	w := &Walker{}
	w.Reset(&m.Code[i])
	return w
}

// Reset begins at the start of another body; it saves the allocation of a new
// Walker.
func (w *Walker) Reset(b *Body) {
	w.r = reader{data: b.Code, base: b.Offset, section: SectionCode.String()}
	w.blocks, w.done = w.blocks[:0], false
}

// Depth is the number of blocks that are open after the last instruction, not
// counting the function itself. At the function's own end it is 0 as well.
func (w *Walker) Depth() int { return len(w.blocks) }

// Block is the opcode that opened the n-th block from the inside (0 is the
// innermost), or OpBlock for the function itself.
func (w *Walker) Block(n int) Op {
	if n < 0 || n >= len(w.blocks) {
		return OpBlock
	}
	return w.blocks[len(w.blocks)-1-n]
}

// Err is what was wrong, an *Error, or nil if all was read.
func (w *Walker) Err() error {
	if w.r.err != nil {
		return w.r.err
	}
	return nil
}

// Next reads one instruction into in. It returns false after the body's last
// end and after an error.
func (w *Walker) Next(in *Instruction) bool {
	r := &w.r
	if r.err != nil || w.done {
		return false
	}
	in.Start = r.pos
	if r.pos >= len(r.data) {
		r.fail(r.pos, "cut short")
		return false
	}
	op := r.data[r.pos]
	in.Op = Op(op)
	r.pos++
	switch kind := immediates[op]; kind {
	case immNone:
	case immIndex:
		in.Index = r.u32()
	case immMemory:
		w.memory(in)
	default:
		w.rare(in, kind)
	}
	in.End = r.pos
	return r.err == nil
}

func (w *Walker) rare(in *Instruction, kind immediate) {
	r := &w.r
	switch kind {
	case immBlock:
		in.Value = w.blockType()
		w.blocks = append(w.blocks, in.Op)
	case immEnd:
		w.end()
	case immElse:
		w.middle(in.Start)
	case immLabel:
		in.Index = w.label()
	case immLabels:
		w.table(in)
	case immS32:
		in.Value = r.signed(32)
	case immS64:
		in.Value = r.signed(64)
	case immF32:
		if b := r.bytes(4); b != nil {
			in.Value = int64(binary.LittleEndian.Uint32(b))
		}
	case immF64:
		if b := r.bytes(8); b != nil {
			in.Value = int64(binary.LittleEndian.Uint64(b))
		}
	case immTwo:
		in.Index, in.Second = r.u32(), r.u32()
	case immTypes:
		w.types(in)
	case immZero:
		w.zero()
	case immHeap:
		in.Index = uint32(r.refType())
	case immPrefix:
		w.prefixed(in)
	default:
		w.unknown(in.Start, in.Op)
	}
}

// blockType reads a value type, the empty type or a type index.
func (w *Walker) blockType() int64 {
	at := w.r.pos
	v := w.r.signed(33)
	if v >= 0 || v == BlockEmpty || w.r.err != nil {
		return v
	}
	w.r.pos = at
	if v < BlockEmpty || w.r.data[at] >= 0x80 {
		w.r.fail(at, "block type that is unknown")
		return BlockEmpty
	}
	return BlockValue(w.r.valueType())
}

func (w *Walker) end() {
	if len(w.blocks) > 0 {
		w.blocks = w.blocks[:len(w.blocks)-1]
		return
	}
	w.done = true
	if w.r.pos < len(w.r.data) {
		w.r.fail(w.r.pos, "instructions after the end of the body")
	}
}

func (w *Walker) middle(at int) {
	if w.Depth() == 0 || w.Block(0) != OpIf {
		w.r.fail(at, "else without if")
		return
	}
	w.blocks[len(w.blocks)-1] = OpElse
}

func (w *Walker) label() uint32 {
	at := w.r.pos
	n := w.r.u32()
	if int64(n) > int64(len(w.blocks)) {
		w.r.fail(at, fmt.Sprintf("label %d within %d blocks", n, len(w.blocks)))
	}
	return n
}

func (w *Walker) table(in *Instruction) {
	w.labels = w.labels[:0]
	for n := int64(w.r.u32()) + 1; n > 0 && w.r.err == nil; n-- {
		w.labels = append(w.labels, w.label())
	}
	in.Labels = w.labels
}

func (w *Walker) types(in *Instruction) {
	at := w.r.pos
	if n := w.r.u32(); n != 1 {
		w.r.fail(at, fmt.Sprintf("select of %d types", n))
	}
	at = w.r.pos
	w.r.valueType()
	if w.r.err == nil {
		in.Bytes = w.r.data[at:w.r.pos]
	}
}

// zero reads the index of the only memory, which must be one byte.
func (w *Walker) zero() {
	at := w.r.pos
	switch b := w.r.byte(); {
	case b >= 0x80:
		w.r.fail(at, "memory index of more than one byte")
	case b != 0:
		w.r.unsupported(at, FeatureMultiMemory, "another memory")
	}
}

func (w *Walker) memory(in *Instruction) {
	at := w.r.pos
	in.Align = w.r.u32()
	switch {
	case in.Align >= 128:
		w.r.fail(at, fmt.Sprintf("alignment of 2^%d bytes", in.Align))
	case in.Align >= 64:
		w.r.unsupported(at, FeatureMultiMemory, "a memory index")
	case in.Align >= 32:
		w.r.fail(at, fmt.Sprintf("alignment of 2^%d bytes", in.Align))
	}
	in.Index = w.r.u32()
}

func (w *Walker) prefixed(in *Instruction) {
	at := w.r.pos
	number := w.r.u32()
	// The engine takes the length of these for granted.
	if w.r.err == nil && w.r.pos-at != uvarintLen(uint64(number)) {
		w.r.fail(at, "opcode that is longer than it must be")
	}
	prefix := in.Op
	if number < 0x100 {
		in.Op = in.Op<<8 | Op(number)
	}
	if prefix == opVectorPrefix {
		w.vector(in, number)
		return
	}
	w.numeric(in, number)
}

func (w *Walker) numeric(in *Instruction, number uint32) {
	r := &w.r
	switch {
	case number <= 7: // saturating conversions
	case number > 17:
		w.unknownNumeric(in.Start, number)
	case in.Op == OpMemoryInit:
		in.Index = r.u32()
		w.zero()
	case in.Op == OpMemoryCopy:
		w.zero()
		w.zero()
	case in.Op == OpMemoryFill:
		w.zero()
	case in.Op == OpTableInit, in.Op == OpTableCopy:
		in.Index, in.Second = r.u32(), r.u32()
	default:
		in.Index = r.u32()
	}
}

func (w *Walker) vector(in *Instruction, number uint32) {
	switch op := in.Op; {
	case number >= 0x100 && number < 0x120:
		w.r.unsupported(in.Start, FeatureRelaxedSIMD, fmt.Sprintf("vector opcode %#x", number))
	case number >= 0x100 || vectorGap(number):
		w.r.fail(in.Start, fmt.Sprintf("vector opcode %#x", number))
	case op <= OpV128Store, op == OpV128Load32Zero, op == OpV128Load64Zero:
		w.memory(in)
	case op >= OpV128Load8Lane && op <= OpV128Store64Lane:
		w.memory(in)
		in.Second = uint32(w.r.byte())
	case op == OpV128Const, op == OpI8x16Shuffle:
		in.Bytes = w.r.bytes(16)
	case number >= 0x15 && number <= 0x22: // extract and replace lane
		in.Index = uint32(w.r.byte())
	}
}
