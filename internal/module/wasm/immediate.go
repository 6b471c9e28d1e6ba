package wasm

import "fmt"

// immediate is what follows an opcode of one byte.
type immediate byte

const (
	immUnknown immediate = iota
	immNone
	immIndex
	immMemory
	immBlock
	immEnd
	immElse
	immLabel
	immLabels
	immS32
	immS64
	immF32
	immF64
	immTwo
	immTypes
	immZero
	immHeap
	immPrefix
)

// immediates says by opcode what follows it.
var immediates = makeImmediates()

func makeImmediates() (table [256]immediate) {
	for _, span := range []struct {
		first, last Op
		kind        immediate
	}{
		{OpUnreachable, OpNop, immNone},
		{OpBlock, OpIf, immBlock},
		{OpElse, OpElse, immElse},
		{OpEnd, OpEnd, immEnd},
		{OpBr, OpBrIf, immLabel},
		{OpBrTable, OpBrTable, immLabels},
		{OpReturn, OpReturn, immNone},
		{OpCall, OpCall, immIndex},
		{OpCallIndirect, OpCallIndirect, immTwo},
		{OpDrop, OpSelect, immNone},
		{OpSelectTyped, OpSelectTyped, immTypes},
		{OpLocalGet, OpTableSet, immIndex},
		{OpI32Load, OpI64Store32, immMemory},
		{OpMemorySize, OpMemoryGrow, immZero},
		{OpI32Const, OpI32Const, immS32},
		{OpI64Const, OpI64Const, immS64},
		{OpF32Const, OpF32Const, immF32},
		{OpF64Const, OpF64Const, immF64},
		{OpI32Eqz, OpI64Extend32S, immNone},
		{OpRefNull, OpRefNull, immHeap},
		{OpRefIsNull, OpRefIsNull, immNone},
		{OpRefFunc, OpRefFunc, immIndex},
		{opNumericPrefix, opVectorPrefix, immPrefix},
	} {
		for op := span.first; op <= span.last; op++ {
			table[op] = span.kind
		}
	}
	return table
}

// vectorGap tells whether a number below 256 is no vector instruction.
func vectorGap(number uint32) bool {
	switch number {
	case 0x9a, 0xa2, 0xa5, 0xa6, 0xaf, 0xb0, 0xb2, 0xb3, 0xb4, 0xbb,
		0xc2, 0xc5, 0xc6, 0xcf, 0xd0, 0xd2, 0xd3, 0xd4, 0xe2, 0xee:
		return true
	}
	return false
}

func (w *Walker) unknown(at int, op Op) {
	feature := ""
	switch op {
	case 0x06, 0x07, 0x08, 0x09, 0x0a, 0x18, 0x19, 0x1f:
		feature = FeatureExceptions
	case 0x12, 0x13, 0x15:
		feature = FeatureTailCalls
	case 0x14, 0xd4, 0xd5, 0xd6:
		feature = FeatureFunctionRefs
	case 0xd3, 0xfb:
		feature = FeatureGC
	case 0xe0, 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6:
		feature = FeatureStackSwitching
	case 0xfe:
		feature = FeatureThreads
	}
	what := fmt.Sprintf("opcode %#x", uint16(op))
	if feature == "" {
		w.r.fail(at, what)
		return
	}
	w.r.unsupported(at, feature, what)
}

func (w *Walker) unknownNumeric(at int, number uint32) {
	what := fmt.Sprintf("opcode 0xfc %#x", number)
	if number >= 19 && number <= 22 {
		w.r.unsupported(at, FeatureWideArithmetic, what)
		return
	}
	w.r.fail(at, what)
}
