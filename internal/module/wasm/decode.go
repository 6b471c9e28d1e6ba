package wasm

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"unicode/utf8"
)

const headerSize = 8

// Decode takes a module apart. The error is an *Error.
func Decode(module []byte) (*Module, error) {
	if err := checkHeader(module); err != nil {
		return nil, err
	}
	d := decoder{m: &Module{}}
	outer := reader{data: module, pos: headerSize, section: "module"}
	for outer.more() {
		at := outer.pos
		id := SectionID(outer.byte())
		size := outer.u32()
		body := reader{base: outer.pos, section: id.String()}
		body.data = outer.bytes(size)
		if outer.err != nil {
			return nil, outer.err
		}
		if err := d.section(id, at, &body); err != nil {
			return nil, err
		}
	}
	if len(d.m.Functions) != len(d.m.Code) {
		outer.fail(outer.pos, fmt.Sprintf("%d functions but %d bodies", len(d.m.Functions), len(d.m.Code)))
	}
	if outer.err != nil {
		return nil, outer.err
	}
	return d.m, nil
}

func checkHeader(module []byte) error {
	fault := &Error{Section: "module"}
	if len(module) < headerSize || !bytes.HasPrefix(module, []byte("\x00asm")) {
		fault.Reason = "is not WebAssembly"
		return fault
	}
	version, layer := binary.LittleEndian.Uint16(module[4:]), binary.LittleEndian.Uint16(module[6:])
	fault.Offset = 4
	switch {
	case layer == 1:
		fault.Reason, fault.Feature = "a component", FeatureComponentModel
	case version != 1 || layer != 0:
		fault.Reason = fmt.Sprintf("version %d of layer %d", version, layer)
	default:
		return nil
	}
	return fault
}

type decoder struct {
	m    *Module
	last SectionID // the last section that was not custom
	rank int       // its place in sectionOrder, from 1
}

func (d *decoder) section(id SectionID, at int, r *reader) error {
	if id == SectionCustom {
		c := Custom{After: d.last, Name: r.name()}
		c.Data = r.bytes(uint32(len(r.data) - r.pos))
		d.m.Customs = append(d.m.Customs, c)
		return r.end()
	}
	if err := d.order(id, at); err != nil {
		return err
	}
	d.m.raw[id] = r.data
	switch id {
	case SectionStart:
		index := r.u32()
		d.m.Start = &index
	case SectionDataCount:
		count := r.u32()
		d.m.DataCount = &count
	default:
		d.vector(id, r)
	}
	return r.end()
}

func (d *decoder) order(id SectionID, at int) error {
	fault := &Error{Section: "module", Offset: at}
	if id == SectionTag {
		fault.Feature, fault.Reason = FeatureExceptions, "a tag section"
		return fault
	}
	for i, other := range sectionOrder {
		if other != id {
			continue
		}
		if i+1 <= d.rank {
			fault.Reason = fmt.Sprintf("%s section after the %s section", id, d.last)
			return fault
		}
		d.last, d.rank = id, i+1
		return nil
	}
	fault.Reason = fmt.Sprintf("section id %d", id)
	return fault
}

func (d *decoder) vector(id SectionID, r *reader) {
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		d.entry(id, r)
	}
}

func (d *decoder) entry(id SectionID, r *reader) {
	m := d.m
	switch id {
	case SectionType:
		m.Types = append(m.Types, r.funcType())
	case SectionImport:
		m.Imports = append(m.Imports, r.importEntry())
	case SectionFunction:
		m.Functions = append(m.Functions, r.u32())
	case SectionTable:
		m.Tables = append(m.Tables, r.table())
	case SectionMemory:
		d.memory(r)
	case SectionGlobal:
		t := r.globalType()
		m.Globals = append(m.Globals, Global{GlobalType: t, Init: r.constant(nil)})
	case SectionExport:
		m.Exports = append(m.Exports, r.export())
	case SectionElement:
		m.Elements = append(m.Elements, r.element())
	case SectionCode:
		m.Code = append(m.Code, r.body())
	case SectionData:
		m.Data = append(m.Data, r.dataSegment())
	}
}

func (d *decoder) memory(r *reader) {
	at := r.pos
	d.m.Memories = append(d.m.Memories, r.limits(true))
	if len(d.m.Memories)+d.m.ImportCount(KindMemory) > 1 {
		r.unsupported(at, FeatureMultiMemory, "a second memory")
	}
}

func (r *reader) name() string {
	at := r.pos
	text := r.bytes(r.u32())
	if !utf8.Valid(text) {
		r.fail(at, "name that is not UTF-8")
	}
	return string(text)
}

func (r *reader) funcType() FuncType {
	at := r.pos
	switch form := r.byte(); form {
	case 0x60:
	case 0x5f, 0x5e, 0x50, 0x4f, 0x4e:
		r.unsupported(at, FeatureGC, "a type of another form than function")
	case 0x5d:
		r.unsupported(at, FeatureStackSwitching, "a continuation type")
	default:
		r.fail(at, fmt.Sprintf("type of form %#x", form))
	}
	return FuncType{Params: r.valueTypes(), Results: r.valueTypes()}
}

func (r *reader) valueTypes() []ValueType {
	var types []ValueType
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		types = append(types, r.valueType())
	}
	return types
}

func (r *reader) valueType() ValueType {
	at := r.pos
	t := ValueType(r.byte())
	switch t {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef:
	case 0x69, 0x74:
		r.unsupported(at, FeatureExceptions, "an exception reference")
	case 0x63, 0x64:
		r.unsupported(at, FeatureFunctionRefs, "a typed reference")
	case 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x71, 0x72, 0x73, 0x78, 0x77:
		r.unsupported(at, FeatureGC, "a heap type")
	default:
		r.fail(at, fmt.Sprintf("value type %#x", byte(t)))
	}
	return t
}

func (r *reader) refType() ValueType {
	at := r.pos
	t := r.valueType()
	if t != FuncRef && t != ExternRef {
		r.fail(at, fmt.Sprintf("reference type %#x", byte(t)))
	}
	return t
}

func (r *reader) importEntry() Import {
	in := Import{Module: r.name(), Name: r.name()}
	at := r.pos
	in.Kind = ExternKind(r.byte())
	switch in.Kind {
	case KindFunction:
		in.Index = r.u32()
	case KindTable:
		in.Table = r.table()
	case KindMemory:
		in.Memory = r.limits(true)
	case KindGlobal:
		in.Global = r.globalType()
	case KindTag:
		r.unsupported(at, FeatureExceptions, "an imported tag")
	default:
		r.fail(at, fmt.Sprintf("import of kind %d", in.Kind))
	}
	return in
}

func (r *reader) export() Export {
	e := Export{Name: r.name()}
	at := r.pos
	e.Kind = ExternKind(r.byte())
	switch {
	case e.Kind == KindTag:
		r.unsupported(at, FeatureExceptions, "an exported tag")
	case e.Kind > KindTag:
		r.fail(at, fmt.Sprintf("export of kind %d", e.Kind))
	}
	e.Index = r.u32()
	return e
}

func (r *reader) table() Table {
	if r.pos < len(r.data) && r.data[r.pos] == 0x40 {
		r.unsupported(r.pos, FeatureTableInitialize, "a table with an initializer")
	}
	return Table{Type: r.refType(), Limits: r.limits(false)}
}

// limits reads the limits of a memory or a table. Bits of the flags are: has a
// maximum, shared, 64 bits, page size.
func (r *reader) limits(memory bool) Limits {
	at := r.pos
	flags := r.byte()
	switch {
	case flags > 0x0f:
		r.fail(at, fmt.Sprintf("limits with flags %#x", flags))
	case flags&8 != 0:
		r.unsupported(at, FeatureCustomPages, "a memory with a page size")
	case flags&4 != 0:
		r.unsupported(at, FeatureMemory64, "a memory or table with 64-bit addresses")
	case flags&2 != 0 && memory:
		r.unsupported(at, FeatureThreads, "a shared memory")
	case flags&2 != 0:
		r.fail(at, "shared table")
	}
	l := Limits{Min: r.u32()}
	if flags&1 != 0 {
		l.Max, l.HasMax = r.u32(), true
	}
	return l
}

func (r *reader) globalType() GlobalType {
	t := GlobalType{Type: r.valueType()}
	at := r.pos
	switch mutable := r.byte(); mutable {
	case 0:
	case 1:
		t.Mutable = true
	case 2, 3:
		r.unsupported(at, FeatureThreads, "a shared global")
	default:
		r.fail(at, fmt.Sprintf("mutability %d", mutable))
	}
	return t
}
