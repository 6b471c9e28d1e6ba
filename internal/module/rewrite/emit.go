package rewrite

import (
	"encoding/binary"

	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// assembler appends instructions.
type assembler struct{ out []byte }

func (a *assembler) op(ops ...wasm.Op) {
	for _, op := range ops {
		if op < 0x100 {
			a.out = append(a.out, byte(op))
			continue
		}
		a.out = wasm.AppendU32(append(a.out, byte(op>>8)), uint32(op&0xff))
	}
}

func (a *assembler) index(op wasm.Op, index uint32) {
	a.out = wasm.AppendU32(append(a.out, byte(op)), index)
}

func (a *assembler) get(local uint32) { a.index(wasm.OpLocalGet, local) }
func (a *assembler) set(local uint32) { a.index(wasm.OpLocalSet, local) }
func (a *assembler) tee(local uint32) { a.index(wasm.OpLocalTee, local) }

func (a *assembler) i32(v int64) {
	a.out = wasm.AppendS64(append(a.out, byte(wasm.OpI32Const)), v)
}

func (a *assembler) i64(v int64) {
	a.out = wasm.AppendS64(append(a.out, byte(wasm.OpI64Const)), v)
}

func (a *assembler) f32(bits uint32) {
	a.out = binary.LittleEndian.AppendUint32(append(a.out, byte(wasm.OpF32Const)), bits)
}

func (a *assembler) f64(bits uint64) {
	a.out = binary.LittleEndian.AppendUint64(append(a.out, byte(wasm.OpF64Const)), bits)
}

func (a *assembler) v128(low, high uint64) {
	a.op(wasm.OpV128Const)
	a.out = binary.LittleEndian.AppendUint64(a.out, low)
	a.out = binary.LittleEndian.AppendUint64(a.out, high)
}

// block opens a block, loop or if of a type, as wasm.Instruction.Value has it.
func (a *assembler) block(op wasm.Op, kind int64) {
	a.out = wasm.AppendS64(append(a.out, byte(op)), kind)
}
