package wasm

import "encoding/binary"

// Encode puts a decoded module together again. Types, functions, globals,
// exports, the start function, code and custom sections are written from the
// fields, with numbers in their shortest form; imports, tables, memories,
// elements, data and their count are copied from the bytes that were decoded,
// so changes to those fields do not count.
func (m *Module) Encode() []byte {
	out := make([]byte, 0, m.sizeHint())
	out = append(out, 0, 'a', 's', 'm', 1, 0, 0, 0)
	out = m.appendCustoms(out, SectionCustom)
	for _, id := range sectionOrder {
		out = m.appendSection(out, id)
		out = m.appendCustoms(out, id)
	}
	return out
}

func (m *Module) sizeHint() int {
	n := 1 << 10
	for i := range m.Code {
		n += len(m.Code[i].Code) + 16 + 6*len(m.Code[i].Locals)
	}
	for i := range m.Customs {
		n += len(m.Customs[i].Data) + len(m.Customs[i].Name) + 16
	}
	for _, raw := range m.raw {
		n += len(raw)
	}
	return n - len(m.raw[SectionCode])
}

func (m *Module) appendCustoms(out []byte, after SectionID) []byte {
	for i := range m.Customs {
		c := &m.Customs[i]
		if c.After != after {
			continue
		}
		size := uvarintLen(uint64(len(c.Name))) + len(c.Name) + len(c.Data)
		out = appendUint(append(out, byte(SectionCustom)), size)
		out = append(appendName(out, c.Name), c.Data...)
	}
	return out
}

func (m *Module) appendSection(out []byte, id SectionID) []byte {
	var body []byte
	switch id {
	case SectionType:
		body = encodeVector(m.Types, appendFuncType)
	case SectionFunction:
		body = encodeVector(m.Functions, AppendU32)
	case SectionGlobal:
		body = encodeVector(m.Globals, appendGlobal)
	case SectionExport:
		body = encodeVector(m.Exports, appendExport)
	case SectionStart:
		if m.Start != nil {
			body = AppendU32(nil, *m.Start)
		}
	case SectionCode:
		return m.appendCode(out)
	default:
		body = m.raw[id]
	}
	if len(body) == 0 {
		return out
	}
	out = appendUint(append(out, byte(id)), len(body))
	return append(out, body...)
}

// appendCode writes the largest section without a copy of its own.
func (m *Module) appendCode(out []byte) []byte {
	if len(m.Code) == 0 {
		return out
	}
	sizes := make([]int, len(m.Code))
	total := uvarintLen(uint64(len(m.Code)))
	for i := range m.Code {
		sizes[i] = m.Code[i].encodedLen()
		total += uvarintLen(uint64(sizes[i])) + sizes[i]
	}
	out = appendUint(append(out, byte(SectionCode)), total)
	out = appendUint(out, len(m.Code))
	for i := range m.Code {
		b := &m.Code[i]
		out = appendUint(appendUint(out, sizes[i]), len(b.Locals))
		for _, g := range b.Locals {
			out = append(AppendU32(out, g.Count), byte(g.Type))
		}
		out = append(out, b.Code...)
	}
	return out
}

func (b *Body) encodedLen() int {
	n := uvarintLen(uint64(len(b.Locals))) + len(b.Code)
	for _, g := range b.Locals {
		n += uvarintLen(uint64(g.Count)) + 1
	}
	return n
}

func encodeVector[T any](items []T, encode func([]byte, T) []byte) []byte {
	if len(items) == 0 {
		return nil
	}
	out := appendUint(nil, len(items))
	for _, item := range items {
		out = encode(out, item)
	}
	return out
}

func appendFuncType(out []byte, t FuncType) []byte {
	out = appendUint(append(out, 0x60), len(t.Params))
	for _, v := range t.Params {
		out = append(out, byte(v))
	}
	out = appendUint(out, len(t.Results))
	for _, v := range t.Results {
		out = append(out, byte(v))
	}
	return out
}

func appendGlobal(out []byte, g Global) []byte {
	var mutable byte
	if g.Mutable {
		mutable = 1
	}
	return append(append(out, byte(g.Type), mutable), g.Init...)
}

func appendExport(out []byte, e Export) []byte {
	return AppendU32(append(appendName(out, e.Name), byte(e.Kind)), e.Index)
}

func appendName(out []byte, name string) []byte {
	return append(appendUint(out, len(name)), name...)
}

func appendUint(out []byte, v int) []byte { return binary.AppendUvarint(out, uint64(v)) }

// AppendU32 appends v as an unsigned LEB128, as indices and sizes are written.
func AppendU32(out []byte, v uint32) []byte { return binary.AppendUvarint(out, uint64(v)) }

// AppendS64 appends v as a signed LEB128, as integer constants and block types
// are written.
func AppendS64(out []byte, v int64) []byte {
	for {
		low := byte(v & 0x7f)
		v >>= 7
		if (v == 0 && low&0x40 == 0) || (v == -1 && low&0x40 != 0) {
			return append(out, low)
		}
		out = append(out, low|0x80)
	}
}

func uvarintLen(v uint64) int {
	n := 1
	for ; v >= 0x80; v >>= 7 {
		n++
	}
	return n
}
