package handmade

import "strings"

func (s Spec) types() []byte {
	out := append(leb(uint32(4+len(s.Types)+len(s.Forms))),
		0x60, 0, 0,
		0x60, 1, 0x7f, 0,
		0x60, 4, 0x7f, 0x7f, 0x7f, 0x7f, 1, 0x7f,
		0x60, 1, 0x7f, 1, 0x7f,
	)
	for _, t := range s.Types {
		out = append(out, 0x60)
		for _, n := range []int{t.Params, t.Results} {
			out = append(out, leb(uint32(n))...)
			out = append(out, repeat(n, []byte{0x7f})...)
		}
	}
	for _, form := range s.Forms {
		out = append(out, 0x60)
		for values := range strings.SplitSeq(form, ":") {
			out = append(out, byte(len(values)))
			for _, v := range values {
				out = append(out, map[rune]byte{'i': 0x7f, 'l': 0x7e}[v])
			}
		}
	}
	return out
}

func (s Spec) functions() []byte {
	out := append(leb(uint32(1+len(s.Functions))), byte(s.StartSignature))
	for _, f := range s.Functions {
		out = append(out, leb(uint32(f.Type))...)
	}
	return out
}

func (s Spec) tables() []byte {
	tables := s.Tables
	if s.Table {
		tables = append([]Limits{{0, -1}}, tables...)
	}
	if len(tables) == 0 {
		return nil
	}
	out := leb(uint32(len(tables)))
	for _, t := range tables {
		if t.Max < 0 {
			out = append(append(out, 0x70, 0), leb(uint32(t.Min))...)
			continue
		}
		out = append(append(out, 0x70, 1), leb(uint32(t.Min))...)
		out = append(out, leb(uint32(t.Max))...)
	}
	return out
}

func (s Spec) globals() []byte {
	if s.MutableGlobals+s.Globals == 0 {
		return nil
	}
	out := leb(uint32(s.MutableGlobals + s.Globals))
	out = append(out, repeat(s.MutableGlobals, []byte{0x7f, 1, opConst, 0, opEnd})...)
	return append(out, repeat(s.Globals, []byte{0x7f, 0, opConst, 0, opEnd})...)
}

func (s Spec) exports() []byte {
	count := uint32(len(s.Exports))
	var body []byte
	if s.Start != "-" {
		body = append(append(name(body, orElse(s.Start, "_start")), 0), leb(uint32(len(s.Imports)))...)
		count++
	}
	if s.Memory != "-" {
		body = append(name(body, orElse(s.Memory, "memory")), 2, 0)
		count++
	}
	for _, e := range s.Exports {
		body = append(name(body, e), 0, 0)
	}
	return append(leb(count), body...)
}

func (s Spec) elements() []byte {
	if len(s.Elements) == 0 {
		return nil
	}
	out := leb(uint32(len(s.Elements)))
	for _, n := range s.Elements {
		out = append(append(out, 1, 0), leb(uint32(n))...)
		out = append(out, make([]byte, n)...)
	}
	return out
}

func (s Spec) code() []byte {
	out := leb(uint32(1 + len(s.Functions)))
	for _, f := range append([]Function{{Locals: s.Locals, Code: s.Code}}, s.Functions...) {
		body := []byte{0}
		if f.Locals > 0 {
			body = append(append([]byte{1}, leb(f.Locals)...), 0x7f)
		}
		body = append(append(body, f.Code...), opEnd)
		out = append(append(out, leb(uint32(len(body)))...), body...)
	}
	return out
}

func (s Spec) data() []byte {
	count := uint32(s.DataSegments)
	var body []byte
	if len(s.Data) > 0 {
		count++
		body = append([]byte{0, opConst, 0, opEnd}, leb(uint32(len(s.Data)))...)
		body = append(body, s.Data...)
	}
	if count == 0 {
		return nil
	}
	return append(append(leb(count), body...), repeat(s.DataSegments, []byte{0, opConst, 0, opEnd, 0})...)
}

func repeat(n int, code []byte) []byte {
	out := make([]byte, 0, n*len(code))
	for range n {
		out = append(out, code...)
	}
	return out
}
