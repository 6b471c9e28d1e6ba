package guesttest

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

// GlobalsAtCalls calls a function often, after which all globals are read anew.
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

// Growths asks for a page of memory at many places.
func Growths(n int) []byte {
	return oneFunction(0, repeat(n, []byte{opConst, 1, opMemoryGrow, 0, opDrop}))
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
