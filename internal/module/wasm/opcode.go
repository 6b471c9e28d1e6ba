package wasm

// Op is an instruction's opcode: the byte itself, or for those with a prefix
// byte 0xfc00 (numeric and bulk) or 0xfd00 (vector) plus the number after it.
type Op uint16

// The prefix bytes.
const (
	opNumericPrefix Op = 0xfc
	opVectorPrefix  Op = 0xfd
)

// The instructions of one byte that are used by name.
const (
	OpUnreachable       Op = 0x00
	OpNop               Op = 0x01
	OpBlock             Op = 0x02
	OpLoop              Op = 0x03
	OpIf                Op = 0x04
	OpElse              Op = 0x05
	OpEnd               Op = 0x0b
	OpBr                Op = 0x0c
	OpBrIf              Op = 0x0d
	OpBrTable           Op = 0x0e
	OpReturn            Op = 0x0f
	OpCall              Op = 0x10
	OpCallIndirect      Op = 0x11
	OpDrop              Op = 0x1a
	OpSelect            Op = 0x1b
	OpSelectTyped       Op = 0x1c
	OpLocalGet          Op = 0x20
	OpLocalSet          Op = 0x21
	OpLocalTee          Op = 0x22
	OpGlobalGet         Op = 0x23
	OpGlobalSet         Op = 0x24
	OpTableGet          Op = 0x25
	OpTableSet          Op = 0x26
	OpI32Load           Op = 0x28
	OpI64Load           Op = 0x29
	OpF32Load           Op = 0x2a
	OpF64Load           Op = 0x2b
	OpI64Load32U        Op = 0x35
	OpI32Store          Op = 0x36
	OpI64Store          Op = 0x37
	OpF32Store          Op = 0x38
	OpF64Store          Op = 0x39
	OpI64Store32        Op = 0x3e
	OpMemorySize        Op = 0x3f
	OpMemoryGrow        Op = 0x40
	OpI32Const          Op = 0x41
	OpI64Const          Op = 0x42
	OpF32Const          Op = 0x43
	OpF64Const          Op = 0x44
	OpI32Eqz            Op = 0x45
	OpI32Eq             Op = 0x46
	OpI32Ne             Op = 0x47
	OpI32LtS            Op = 0x48
	OpI32GtS            Op = 0x4a
	OpI64Eqz            Op = 0x50
	OpI64LtS            Op = 0x53
	OpF32Eq             Op = 0x5b
	OpF32Ne             Op = 0x5c
	OpF32Ge             Op = 0x60
	OpF64Eq             Op = 0x61
	OpF64Ne             Op = 0x62
	OpF64Ge             Op = 0x66
	OpI32Add            Op = 0x6a
	OpI32Sub            Op = 0x6b
	OpI32Mul            Op = 0x6c
	OpI32And            Op = 0x71
	OpI32Or             Op = 0x72
	OpI32Xor            Op = 0x73
	OpI32Shl            Op = 0x74
	OpI32ShrU           Op = 0x76
	OpI64Add            Op = 0x7c
	OpI64Sub            Op = 0x7d
	OpI64Shl            Op = 0x86
	OpI64ShrU           Op = 0x88
	OpF32Abs            Op = 0x8b
	OpF32Neg            Op = 0x8c
	OpF32Ceil           Op = 0x8d
	OpF32Floor          Op = 0x8e
	OpF32Trunc          Op = 0x8f
	OpF32Nearest        Op = 0x90
	OpF32Sqrt           Op = 0x91
	OpF32Add            Op = 0x92
	OpF32Sub            Op = 0x93
	OpF32Mul            Op = 0x94
	OpF32Div            Op = 0x95
	OpF32Min            Op = 0x96
	OpF32Max            Op = 0x97
	OpF32Copysign       Op = 0x98
	OpF64Abs            Op = 0x99
	OpF64Neg            Op = 0x9a
	OpF64Ceil           Op = 0x9b
	OpF64Floor          Op = 0x9c
	OpF64Trunc          Op = 0x9d
	OpF64Nearest        Op = 0x9e
	OpF64Sqrt           Op = 0x9f
	OpF64Add            Op = 0xa0
	OpF64Sub            Op = 0xa1
	OpF64Mul            Op = 0xa2
	OpF64Div            Op = 0xa3
	OpF64Min            Op = 0xa4
	OpF64Max            Op = 0xa5
	OpF64Copysign       Op = 0xa6
	OpI32WrapI64        Op = 0xa7
	OpI64ExtendI32U     Op = 0xad
	OpF32ConvertI32S    Op = 0xb2
	OpF32ConvertI64U    Op = 0xb5
	OpF32DemoteF64      Op = 0xb6
	OpF64ConvertI32S    Op = 0xb7
	OpF64ConvertI64U    Op = 0xba
	OpF64PromoteF32     Op = 0xbb
	OpI32ReinterpretF32 Op = 0xbc
	OpI64ReinterpretF64 Op = 0xbd
	OpF32ReinterpretI32 Op = 0xbe
	OpF64ReinterpretI64 Op = 0xbf
	OpI64Extend32S      Op = 0xc4
	OpRefNull           Op = 0xd0
	OpRefIsNull         Op = 0xd1
	OpRefFunc           Op = 0xd2
)

// The bulk instructions.
const (
	OpMemoryInit Op = 0xfc08
	OpDataDrop   Op = 0xfc09
	OpMemoryCopy Op = 0xfc0a
	OpMemoryFill Op = 0xfc0b
	OpTableInit  Op = 0xfc0c
	OpElemDrop   Op = 0xfc0d
	OpTableCopy  Op = 0xfc0e
	OpTableGrow  Op = 0xfc0f
	OpTableSize  Op = 0xfc10
	OpTableFill  Op = 0xfc11
)

// The vector instructions that are used by name.
const (
	OpV128Load             Op = 0xfd00
	OpV128Store            Op = 0xfd0b
	OpV128Const            Op = 0xfd0c
	OpI8x16Shuffle         Op = 0xfd0d
	OpF32x4Splat           Op = 0xfd13
	OpF64x2Splat           Op = 0xfd14
	OpF32x4ExtractLane     Op = 0xfd1f
	OpF32x4ReplaceLane     Op = 0xfd20
	OpF64x2ExtractLane     Op = 0xfd21
	OpF64x2ReplaceLane     Op = 0xfd22
	OpF32x4Eq              Op = 0xfd41
	OpF64x2Eq              Op = 0xfd47
	OpV128Bitselect        Op = 0xfd52
	OpV128AnyTrue          Op = 0xfd53
	OpV128Load8Lane        Op = 0xfd54
	OpV128Store8Lane       Op = 0xfd58
	OpV128Store64Lane      Op = 0xfd5b
	OpV128Load32Zero       Op = 0xfd5c
	OpV128Load64Zero       Op = 0xfd5d
	OpF32x4DemoteF64x2Zero Op = 0xfd5e
	OpF64x2PromoteLowF32x4 Op = 0xfd5f
	OpF32x4Ceil            Op = 0xfd67
	OpF32x4Floor           Op = 0xfd68
	OpF32x4Trunc           Op = 0xfd69
	OpF32x4Nearest         Op = 0xfd6a
	OpF64x2Ceil            Op = 0xfd74
	OpF64x2Floor           Op = 0xfd75
	OpF64x2Trunc           Op = 0xfd7a
	OpF64x2Nearest         Op = 0xfd94
	OpF32x4Abs             Op = 0xfde0
	OpF32x4Neg             Op = 0xfde1
	OpF32x4Sqrt            Op = 0xfde3
	OpF32x4Add             Op = 0xfde4
	OpF32x4Sub             Op = 0xfde5
	OpF32x4Mul             Op = 0xfde6
	OpF32x4Div             Op = 0xfde7
	OpF32x4Min             Op = 0xfde8
	OpF32x4Max             Op = 0xfde9
	OpF32x4Pmin            Op = 0xfdea
	OpF32x4Pmax            Op = 0xfdeb
	OpF64x2Abs             Op = 0xfdec
	OpF64x2Neg             Op = 0xfded
	OpF64x2Sqrt            Op = 0xfdef
	OpF64x2Add             Op = 0xfdf0
	OpF64x2Sub             Op = 0xfdf1
	OpF64x2Mul             Op = 0xfdf2
	OpF64x2Div             Op = 0xfdf3
	OpF64x2Min             Op = 0xfdf4
	OpF64x2Max             Op = 0xfdf5
	OpF64x2Pmin            Op = 0xfdf6
	OpF64x2Pmax            Op = 0xfdf7
)
