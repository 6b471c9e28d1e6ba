// Package handmade makes tiny WASM modules for tests, byte by byte, so that a
// test of the grid needs no WASM toolchain and no compile time.
package handmade

import "encoding/binary"

// ABI is the module that task ABI v1 lets a guest import from.
const ABI = "wasi_snapshot_preview1"

// Signature is one of the few function types that the guests here need.
type Signature byte

// The signatures, in the order in which Encode writes them.
const (
	Nothing   Signature = iota // () -> ()
	OneArg                     // (i32) -> ()
	FourArgs                   // (i32, i32, i32, i32) -> i32
	Predicate                  // (i32) -> i32
	firstOwn                   // the first of Spec.Types
)

// Import is a function that the module imports.
type Import struct {
	Module, Name string
	Signature    Signature
}

// Spec describes a module with one function, which is exported as _start.
// Imports are functions 0, 1, ... of its code.
type Spec struct {
	Imports []Import
	// Code is the function's body without its end, over Locals i32 locals.
	Code   []byte
	Locals uint32
	// Pages is the memory's minimum size in pages of 64 KiB.
	Pages uint32
	// Data is copied to address 0 of the memory.
	Data []byte
	// Table gives the module an empty table of funcref.
	Table bool
	// Start is the name under which the function is exported, "_start" if
	// empty, "-" for none; Memory in the same way, "memory" if empty.
	Start, Memory string
	// StartSignature is Nothing in every honest module.
	StartSignature Signature

	// What follows is for modules with too much of something.

	// Types come after those of the signatures, from index 4.
	Types []Shape
	// Forms are types that come after those, see HostCall.
	Forms []string
	// Functions come after the first.
	Functions []Function
	// Globals are i32, the mutable ones first.
	MutableGlobals, Globals int
	// Tables come after that of Table.
	Tables []Limits
	// Exports are names under which the first import or function is exported.
	Exports []string
	// Elements are the lengths of passive element segments.
	Elements []int
	// DataSegments is how many empty ones come after Data.
	DataSegments int
	Customs      []Custom
}

// Shape is a type that takes and gives so many i32.
type Shape struct{ Params, Results int }

// Function is a function like the first, of the type of an index.
type Function struct {
	Type   int
	Locals uint32
	Code   []byte
}

// Limits are those of a table; Max is -1 for none.
type Limits struct{ Min, Max int }

// Custom is a custom section.
type Custom struct {
	Name    string
	Content []byte
}

// Encode writes the module in the binary format.
func (s Spec) Encode() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = section(out, 1, s.types())
	out = section(out, 2, s.imports())
	out = section(out, 3, s.functions())
	out = section(out, 4, s.tables())
	out = section(out, 5, append([]byte{1, 0}, leb(s.Pages)...))
	out = section(out, 6, s.globals())
	out = section(out, 7, s.exports())
	out = section(out, 9, s.elements())
	out = section(out, 10, s.code())
	out = section(out, 11, s.data())
	for _, c := range s.Customs {
		out = section(out, 0, append(name(nil, c.Name), c.Content...))
	}
	return out
}

func (s Spec) imports() []byte {
	body := leb(uint32(len(s.Imports)))
	for _, i := range s.Imports {
		body = append(name(name(body, i.Module), i.Name), 0, byte(i.Signature))
	}
	return body
}

// section leaves out one that is empty.
func section(out []byte, id byte, body []byte) []byte {
	if len(body) == 0 {
		return out
	}
	out = append(append(out, id), leb(uint32(len(body)))...)
	return append(out, body...)
}

func name(out []byte, text string) []byte {
	return append(append(out, leb(uint32(len(text)))...), text...)
}

func leb(v uint32) []byte { return binary.AppendUvarint(nil, uint64(v)) }

func orElse(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}
