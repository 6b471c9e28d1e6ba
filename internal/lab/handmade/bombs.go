package handmade

import "fmt"

// The bombs are small modules that cost an engine much. Each is valid, and
// harmless with small numbers.

// Merges has branches to one place, before each of which one of the locals
// changes: all of them are merged there, from every branch.
func Merges(locals, branches int) []byte {
	code := []byte{opBlock, void}
	for i := range branches {
		code = append(code, join([]byte{opLocalGet}, leb(uint32(i%locals)), []byte{opConst, 1, opAdd, opLocalTee},
			leb(uint32(i*7%locals)), []byte{opBranchIf, 0})...)
	}
	return oneFunction(locals, join(code, []byte{opEnd}, changeAll(locals)))
}

// LoopsInALoop has loops one after the other in a loop that changes all locals,
// so that all of them live through all loops.
func LoopsInALoop(locals, loops int) []byte {
	code := []byte{opLoop, void}
	for i := range loops {
		code = append(code, join([]byte{opLoop, void, opLocalGet}, leb(uint32(i%locals)), []byte{opConst, 1, opAdd, opLocalTee},
			leb(uint32(i*7%locals)), []byte{opBranchIf, 0, opEnd})...)
	}
	return oneFunction(locals, join(code, changeAll(locals), []byte{opLocalGet, 0, opBranchIf, 0, opEnd}))
}

// Forks has ifs one after the other, each of which may change one of the locals:
// after each of them all locals are merged from two ways.
func Forks(locals, forks int) []byte {
	var code []byte
	for i := range forks {
		code = append(code, join([]byte{opLocalGet, 0, opIf, void, opConst, 1, opLocalSet}, leb(uint32(i%locals)), []byte{opEnd})...)
	}
	return oneFunction(locals, join(changeAll(locals), code, changeAll(locals)))
}

// Chain has branches to one place and reads before each of them. To find what a
// local is, it takes to go back to the start, from each read and each branch.
func Chain(locals, reads, branches int) []byte {
	one := join(repeat(reads, []byte{opLocalGet, 0, opDrop}), []byte{opLocalGet, 0, opBranchIf, 0})
	return oneFunction(locals, join(changeAll(locals), []byte{opBlock, void}, repeat(branches, one), []byte{opEnd}, changeAll(locals)))
}

// LoopsWithoutTurns is such a chain through loops that nothing leads back to,
// within one that has turns.
func LoopsWithoutTurns(locals, loops int) []byte {
	return oneFunction(locals, join([]byte{opLoop, void},
		repeat(loops, []byte{opLocalGet, 0, opBranchIf, 0, opLoop, void, opEnd}), changeAll(locals), []byte{opEnd}))
}

// NestedLoops has loops within loops.
func NestedLoops(locals, depth int) []byte {
	return oneFunction(locals, join(
		repeat(depth, []byte{opLoop, void, opLocalGet, 0, opConst, 1, opAdd, opLocalSet, 0}),
		changeAll(locals),
		repeat(depth, []byte{opLocalGet, 0, opBranchIf, 0, opEnd})))
}

// NestedBlocks has blocks within blocks.
func NestedBlocks(depth int) []byte {
	return oneFunction(0, join(repeat(depth, []byte{opBlock, void}), repeat(depth, []byte{opEnd})))
}

// BranchTable jumps back to the start of a loop by one of many targets.
func BranchTable(locals, targets int) []byte {
	return oneFunction(locals, join([]byte{opBlock, void, opLoop, void}, changeAll(locals),
		[]byte{opLocalGet, 0, opBranchTable}, leb(uint32(targets-1)), make([]byte, targets), []byte{opEnd, opEnd}))
}

// BranchTables has tables one after the other.
func BranchTables(targets, tables int) []byte {
	one := join([]byte{opBlock, void, opLocalGet, 0, opBranchTable}, leb(uint32(targets-1)), make([]byte, targets), []byte{opEnd})
	return oneFunction(1, repeat(tables, one))
}

// HighStack keeps values on the stack while it goes through branches.
func HighStack(values, branches int) []byte {
	return oneFunction(1, join(
		repeat(values, []byte{opConst, 0, opLoad, 2, 4}),
		repeat(branches, []byte{opLocalGet, 0, opIf, void, opConst, 1, opLocalSet, 0, opEnd}),
		repeat(values-1, []byte{opAdd}), []byte{opDrop}))
}

// Addresses goes through branches after it has read from many addresses, which
// the engine remembers as checked.
func Addresses(reads, branches int) []byte {
	var code []byte
	for i := range reads {
		code = append(code, join([]byte{opConst}, signedLEB(int64(i)), []byte{opLoad, 2, 0, opLoad, 2, 0, opDrop})...)
	}
	return oneFunction(1, join(code, repeat(branches, []byte{opLocalGet, 0, opIf, void, opConst, 1, opLocalSet, 0, opEnd})))
}

// GlobalsAtCalls calls a function often, after which all globals are read again.
func GlobalsAtCalls(globals, calls int) []byte {
	return Spec{
		Code: repeat(calls, []byte{opCall, 1}), Pages: 1, MutableGlobals: globals, Functions: []Function{{}},
	}.Encode()
}

// LongBody reads from the addresses that it reads, in one function of so many
// bytes.
func LongBody(size int) []byte {
	code := join([]byte{opConst, 0}, repeat((size-6)/3, []byte{opLoad, 2, 0}), []byte{opDrop})
	return oneFunction(0, join(code, repeat(size-2-len(code), []byte{opNop})))
}

// Fills has many instructions that fill no bytes of memory.
func Fills(n int) []byte {
	return oneFunction(0, repeat(n, []byte{opConst, 0, opConst, 0, opConst, 0, opPrefix, 11, 0}))
}

// FillsOfMany fills memory often, with many locals to carry past that.
func FillsOfMany(locals, n int) []byte {
	return oneFunction(locals, join(changeAll(locals), repeat(n, []byte{opConst, 0, opConst, 0, opConst, 0, opPrefix, 11, 0}), changeAll(locals)))
}

// Growths asks for a page of memory at many places.
func Growths(n int) []byte {
	return oneFunction(0, repeat(n, []byte{opConst, 1, opMemoryGrow, 0, opDrop}))
}

// HighGrowths keeps what each growth gives on the stack.
func HighGrowths(n int) []byte {
	return oneFunction(0, join(repeat(n, []byte{opConst, 1, opMemoryGrow, 0}), repeat(n-1, []byte{opAdd}), []byte{opDrop}))
}

// TableGrowths asks for an entry of a table at many places.
func TableGrowths(n int) []byte {
	return Spec{
		Code: repeat(n, []byte{0xd0, 0x70, opConst, 1, opPrefix, 15, 0, opDrop}), Pages: 1, Tables: []Limits{{1, 10}},
	}.Encode()
}

// Copies has many instructions that copy no bytes of memory.
func Copies(n int) []byte {
	return oneFunction(0, repeat(n, []byte{opConst, 0, opConst, 0, opConst, 0, opPrefix, 10, 0, 0}))
}

// TableFills has many instructions that fill no entries of a table.
func TableFills(n int) []byte {
	return Spec{
		Code: repeat(n, []byte{opConst, 0, 0xd0, 0x70, opConst, 0, opPrefix, 17, 0}), Pages: 1, Tables: []Limits{{1, 10}},
	}.Encode()
}

// WideCalls hands many values through many calls.
func WideCalls(values, calls int) []byte {
	pass := Function{Type: 4}
	for i := range values {
		pass.Code = append(pass.Code, opLocalGet, byte(i))
	}
	return Spec{
		Code:  join(repeat(values, []byte{opConst, 0}), repeat(calls, []byte{opCall, 1}), repeat(values, []byte{opDrop})),
		Pages: 1, Types: []Shape{{values, values}}, Functions: []Function{pass},
	}.Encode()
}

// TableCalls calls through a table, whose entry is empty.
func TableCalls(n int) []byte {
	return Spec{Code: repeat(n, []byte{opConst, 0, opCallIndirect, 0, 0}), Pages: 1, Tables: []Limits{{1, 10}}}.Encode()
}

// Conversions makes an integer of a float, and takes its bits for a float again,
// by instructions that trap or that saturate.
func Conversions(n int, saturate bool) []byte {
	convert := []byte{0xa9} // i32.trunc_f32_u
	if saturate {
		convert = []byte{opPrefix, 1}
	}
	return oneFunction(0, join([]byte{opConst, 0, opConst, 0}, repeat(n, join([]byte{0xbe}, convert)), []byte{opStore, 2, 0}))
}

// FloatStores stores sums of floats, each of which may be a NaN.
func FloatStores(n int) []byte {
	return oneFunction(1, repeat(n, []byte{opLocalGet, 0, opLocalGet, 0, 0x2a, 2, 0, opLocalGet, 0, 0x2a, 2, 4, 0x92, 0x38, 2, 0}))
}

// VectorStores does the same by vectors of floats.
func VectorStores(n int) []byte {
	return oneFunction(1, repeat(n, []byte{
		opLocalGet, 0, opLocalGet, 0, 0xfd, 0, 4, 0, opLocalGet, 0, 0xfd, 0, 4, 16, 0xfd, 0xe4, 1, 0xfd, 11, 4, 0,
	}))
}

// ManyExports exports its function under many names.
func ManyExports(n int) []byte {
	names := make([]string, n)
	for i := range names {
		names[i] = fmt.Sprintf("e%d", i)
	}
	return Spec{Pages: 1, Exports: names}.Encode()
}

// LyingNames says that it has names for many functions, and has none.
func LyingNames() []byte {
	return Spec{Pages: 1, Customs: []Custom{{"name", []byte{1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f}}}}.Encode()
}

// HiddenNames is LyingNames with the lie behind the end of an empty list, where
// the engine goes on reading.
func HiddenNames() []byte {
	lie := []byte{1, 8, 0, 1, 5, 0xff, 0xff, 0xff, 0xff, 0x0f}
	return Spec{Pages: 1, Customs: []Custom{{"name", append(lie, 9, 6, 0, 0, 0, 0, 0, 0)}}}.Encode()
}

func oneFunction(locals int, code []byte) []byte {
	return Spec{Locals: uint32(locals), Code: code, Pages: 1}.Encode()
}

// changeAll gives each local a new value.
func changeAll(locals int) []byte {
	var code []byte
	for i := range locals {
		code = append(code, join([]byte{opLocalGet}, leb(uint32(i)), []byte{opConst, 3, opMultiply, opLocalSet}, leb(uint32(i)))...)
	}
	return code
}
