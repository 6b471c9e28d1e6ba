package wasm

// SectionID is the number of a section in the binary format.
type SectionID byte

// The sections.
const (
	SectionCustom SectionID = iota
	SectionType
	SectionImport
	SectionFunction
	SectionTable
	SectionMemory
	SectionGlobal
	SectionExport
	SectionStart
	SectionElement
	SectionCode
	SectionData
	SectionDataCount
	SectionTag
)

// sectionOrder is the order of the sections in a module.
var sectionOrder = [...]SectionID{
	SectionType, SectionImport, SectionFunction, SectionTable, SectionMemory, SectionGlobal, SectionExport,
	SectionStart, SectionElement, SectionDataCount, SectionCode, SectionData,
}

// String is the section's name, such as "code".
func (id SectionID) String() string {
	names := [...]string{
		"custom", "type", "import", "function", "table", "memory", "global", "export",
		"start", "element", "code", "data", "data count", "tag",
	}
	if int(id) < len(names) {
		return names[id]
	}
	return "unknown"
}

// ValueType is the type of a value, as the byte of the binary format.
type ValueType byte

// The value types.
const (
	I32       ValueType = 0x7f
	I64       ValueType = 0x7e
	F32       ValueType = 0x7d
	F64       ValueType = 0x7c
	V128      ValueType = 0x7b
	FuncRef   ValueType = 0x70
	ExternRef ValueType = 0x6f
)

// ExternKind is what an import or export is.
type ExternKind byte

// The kinds of imports and exports.
const (
	KindFunction ExternKind = iota
	KindTable
	KindMemory
	KindGlobal
	KindTag
)

// FuncType is a function's signature. The slices hold one ValueType per byte.
type FuncType struct {
	Params, Results []ValueType
}

// Import is one import. Index is its type index if it is a function; Table,
// Memory and Global are set for those kinds.
type Import struct {
	Module, Name string
	Kind         ExternKind
	Index        uint32
	Table        Table
	Memory       Limits
	Global       GlobalType
}

// Limits are the bounds of a table, in entries, or a memory, in pages of
// 64 KiB. Max is only meant if HasMax is set.
type Limits struct {
	Min, Max uint32
	HasMax   bool
}

// Table is a table of references.
type Table struct {
	Type   ValueType
	Limits Limits
}

// GlobalType is the type of a global variable.
type GlobalType struct {
	Type    ValueType
	Mutable bool
}

// Global is a global variable of the module's own. Init is its constant
// expression with the end byte.
type Global struct {
	GlobalType
	Init []byte
}

// Export is one export.
type Export struct {
	Name  string
	Kind  ExternKind
	Index uint32
}

// SegmentMode tells what becomes of a data or element segment.
type SegmentMode byte

// The modes of segments.
const (
	Active      SegmentMode = iota // copied when the module is instantiated
	Passive                        // copied by memory.init or table.init
	Declarative                    // only declares functions for ref.func
)

// Element is an element segment.
type Element struct {
	Mode  SegmentMode
	Table uint32 // of an active segment
	Type  ValueType
	// Offset is the constant expression of an active segment with its end.
	Offset []byte
	// Count is the number of entries, Functions those of them that are
	// functions, in order (entries may also be null or a global's value).
	Count     uint32
	Functions []uint32
	// Expressions are the entries one after the other if they are constant
	// expressions, nil if they are functions.
	Expressions []byte
}

// DataSegment is a data segment. Init are its bytes, Offset the constant
// expression of an active segment with its end.
type DataSegment struct {
	Mode   SegmentMode
	Offset []byte
	Init   []byte
}

// LocalGroup declares Count locals of one type. Counts are what the module
// claims: add them up in 64 bits and do not allocate by them.
type LocalGroup struct {
	Count uint32
	Type  ValueType
}

// Body is the code of one function.
type Body struct {
	// Offset is where Code begins in the module given to Decode.
	Offset int
	// Locals are those besides the parameters.
	Locals []LocalGroup
	// Code are the instructions, with the end byte.
	Code []byte
}

// LocalCount is the number of declared locals, without the parameters.
func (b *Body) LocalCount() uint64 {
	var n uint64
	for _, g := range b.Locals {
		n += uint64(g.Count)
	}
	return n
}

// Custom is a custom section. After is the section that it follows, or
// SectionCustom if it comes before all others.
type Custom struct {
	After SectionID
	Name  string
	Data  []byte
}

// Module is a module taken apart. Indices into the function, table, memory and
// global index spaces count the imports of that kind first.
type Module struct {
	Types   []FuncType
	Imports []Import
	// Functions are the type indices of the module's own functions; Code has
	// their bodies in the same order.
	Functions []uint32
	Tables    []Table
	Memories  []Limits
	Globals   []Global
	Exports   []Export
	// Start is the start function's index, nil without one.
	Start    *uint32
	Elements []Element
	// DataCount is the number of data segments as announced, nil if it is not.
	DataCount *uint32
	Code      []Body
	Data      []DataSegment
	Customs   []Custom

	// raw are the sections' bytes that Encode writes as they are.
	raw [SectionTag + 1][]byte
}

// ImportCount is the number of imports of a kind.
func (m *Module) ImportCount(kind ExternKind) int {
	n := 0
	for i := range m.Imports {
		if m.Imports[i].Kind == kind {
			n++
		}
	}
	return n
}

// FunctionTypes gives the type index of every function, imports first.
func (m *Module) FunctionTypes() []uint32 {
	types := make([]uint32, 0, len(m.Imports)+len(m.Functions))
	for i := range m.Imports {
		if m.Imports[i].Kind == KindFunction {
			types = append(types, m.Imports[i].Index)
		}
	}
	return append(types, m.Functions...)
}

// GlobalTypes gives the type of every global variable, imports first.
func (m *Module) GlobalTypes() []GlobalType {
	types := make([]GlobalType, 0, len(m.Globals))
	for i := range m.Imports {
		if m.Imports[i].Kind == KindGlobal {
			types = append(types, m.Imports[i].Global)
		}
	}
	for i := range m.Globals {
		types = append(types, m.Globals[i].GlobalType)
	}
	return types
}
