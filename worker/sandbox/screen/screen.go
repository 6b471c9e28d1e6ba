// Package screen decides, without running or compiling anything, whether a
// module can be a task of ABI v1: a WASI preview 1 command. It is pure, walks
// the module once and allocates by what it has seen, never by what the module
// claims; so it is safe on any bytes and cheap enough to be asked at submit
// and again at every worker.
//
// What passes may still be refused by the engine, which validates the code.
package screen

import (
	"fmt"
	"math"
)

// ABI is the module whose functions a guest may import.
const ABI = "wasi_snapshot_preview1"

// MaxSize is the largest module that is accepted, in bytes.
const MaxSize = 64 << 20

// Section ids of the binary format that are looked into.
const (
	sectionType     = 1
	sectionImport   = 2
	sectionFunction = 3
	sectionExport   = 7
	sectionLast     = 13
)

// Kinds of imports and exports.
const (
	kindFunction = 0
	kindTable    = 1
	kindMemory   = 2
	kindGlobal   = 3
	kindTag      = 4
)

// Check returns nil for a module that fits the ABI, else a *Refusal.
func Check(module []byte) error {
	if len(module) > MaxSize {
		return refuse(TooLarge, fmt.Sprintf("module of %d bytes", len(module)),
			fmt.Sprintf("the limit is %d bytes: strip debug information, or move data into the job's data files", MaxSize))
	}
	if err := checkHeader(module); err != nil {
		return err
	}
	m := outline{startIndex: math.MaxUint32}
	if err := m.read(module[headerSize:]); err != nil {
		return err
	}
	return m.check()
}

// outline is what the checks need to know of a module.
type outline struct {
	plainTypes  []bool   // by type index: takes and gives nothing
	functions   []uint32 // type index by function index, imports first
	startIndex  uint32
	hasStart    bool
	hasMemory   bool
	initializer bool
}

func (m *outline) read(body []byte) error {
	r := reader{rest: body}
	for len(r.rest) > 0 {
		id := r.byte()
		content := r.bytes(r.u32())
		if r.failed {
			return malformed("a section that runs past the end of the module")
		}
		if id > sectionLast {
			return malformed(fmt.Sprintf("section id %d", id))
		}
		if err := m.readSection(id, &reader{rest: content}); err != nil {
			return err
		}
	}
	return nil
}

func (m *outline) readSection(id byte, r *reader) error {
	switch id {
	case sectionType:
		return m.readTypes(r)
	case sectionImport:
		return m.readImports(r)
	case sectionFunction:
		return m.readFunctions(r)
	case sectionExport:
		return m.readExports(r)
	}
	return nil
}

func (m *outline) readTypes(r *reader) error {
	for n := r.u32(); n > 0 && !r.failed; n-- {
		if form := r.byte(); form != 0x60 && !r.failed {
			return malformed(fmt.Sprintf("type of form %#x", form))
		}
		params := r.bytes(r.u32())
		results := r.bytes(r.u32())
		m.plainTypes = append(m.plainTypes, len(params) == 0 && len(results) == 0)
	}
	return r.end("type section")
}

func (m *outline) readImports(r *reader) error {
	for n := r.u32(); n > 0 && !r.failed; n-- {
		module, name, kind := r.bytes(r.u32()), r.bytes(r.u32()), r.byte()
		if r.failed {
			break
		}
		if err := checkImport(string(module), string(name), kind); err != nil {
			return err
		}
		m.functions = append(m.functions, r.u32())
	}
	return r.end("import section")
}

func (m *outline) readFunctions(r *reader) error {
	for n := r.u32(); n > 0 && !r.failed; n-- {
		m.functions = append(m.functions, r.u32())
	}
	return r.end("function section")
}

func (m *outline) readExports(r *reader) error {
	for n := r.u32(); n > 0 && !r.failed; n-- {
		name, kind, index := r.bytes(r.u32()), r.byte(), r.u32()
		switch {
		case kind == kindFunction && string(name) == "_start":
			m.hasStart, m.startIndex = true, index
		case kind == kindFunction && string(name) == "_initialize":
			m.initializer = true
		case kind == kindMemory && string(name) == "memory":
			m.hasMemory = true
		}
	}
	return r.end("export section")
}

// check judges what only the whole module shows.
func (m *outline) check() error {
	switch {
	case !m.hasStart && m.initializer:
		return refuse(NoStart, "module exports _initialize but no function _start",
			"it is a library (reactor): build it as a command, with a main function")
	case !m.hasStart:
		return refuse(NoStart, "module exports no function _start",
			"build it as a WASI command, with a main function (Go: GOOS=wasip1 GOARCH=wasm go build)")
	case !m.startIsPlain():
		return refuse(NoStart, "function _start takes or returns values",
			"_start of a WASI command does neither: build it with a main function")
	case !m.hasMemory:
		return refuse(NoMemory, "module exports no memory called \"memory\"",
			"WASI needs it: let the linker export the memory (wasm-ld does so by default)")
	}
	return nil
}

func (m *outline) startIsPlain() bool {
	if int64(m.startIndex) >= int64(len(m.functions)) {
		return false
	}
	index := m.functions[m.startIndex]
	return int64(index) < int64(len(m.plainTypes)) && m.plainTypes[index]
}
