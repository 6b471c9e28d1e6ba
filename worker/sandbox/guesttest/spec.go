// Package guesttest makes tiny WASM modules for tests, byte by byte, so that a
// test of the grid needs no WASM toolchain and no compile time.
package guesttest

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
}

// Encode writes the module in the binary format.
func (s Spec) Encode() []byte {
	out := []byte("\x00asm\x01\x00\x00\x00")
	out = section(out, 1, []byte{4,
		0x60, 0, 0,
		0x60, 1, 0x7f, 0,
		0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f,
		0x60, 1, 0x7f, 1, 0x7f,
	})
	out = section(out, 2, s.imports())
	out = section(out, 3, []byte{1, byte(s.StartSignature)})
	if s.Table {
		out = section(out, 4, []byte{1, 0x70, 0, 0})
	}
	out = section(out, 5, append([]byte{1, 0}, leb(s.Pages)...))
	out = section(out, 7, s.exports())
	out = section(out, 10, s.code())
	if len(s.Data) > 0 {
		data := append([]byte{1, 0, 0x41, 0, 0x0b}, leb(uint32(len(s.Data)))...)
		out = section(out, 11, append(data, s.Data...))
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

func (s Spec) exports() []byte {
	var count byte
	var body []byte
	if s.Start != "-" {
		body = append(name(body, orElse(s.Start, "_start")), 0, byte(len(s.Imports)))
		count++
	}
	if s.Memory != "-" {
		body = append(name(body, orElse(s.Memory, "memory")), 2, 0)
		count++
	}
	return append([]byte{count}, body...)
}

func (s Spec) code() []byte {
	function := []byte{0}
	if s.Locals > 0 {
		function = append(append([]byte{1}, leb(s.Locals)...), 0x7f)
	}
	function = append(append(function, s.Code...), 0x0b)
	body := append([]byte{1}, leb(uint32(len(function)))...)
	return append(body, function...)
}

func section(out []byte, id byte, body []byte) []byte {
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
