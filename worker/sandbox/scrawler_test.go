package sandbox

import (
	"math/rand/v2"
	"strings"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// scrawler makes commands whose code is plain and all else is random. Many are
// valid, others nearly so.
type scrawler struct {
	r         *rand.Rand
	shapes    []shape // by type index
	functions []int   // type index by function index, imports first
	tables    string  // what types they are of
}

// shape is a function type, a byte for each value.
type shape struct{ params, results string }

const (
	i32     = "\x7f"
	funcRef = "\x70"
	values  = "\x7f\x7e\x7d\x7c\x7b\x70\x6f" // all types
	numbers = "\x7f\x7f\x7e\x7d\x7c\x6f"     // those that imports have, more often i32
)

// scrawl makes the module of a seed.
func scrawl(seed uint64) []byte {
	s := scrawler{r: rand.New(rand.NewPCG(seed, 7))}
	return s.module()
}

func one[T any](s *scrawler, of ...T) T { return of[s.r.IntN(len(of))] }

func (s *scrawler) seldom() bool { return s.r.IntN(20) == 0 }

// some gives up to n entries.
func (s *scrawler) some(n int, entry func() string) []string {
	all := make([]string, s.r.IntN(n+1))
	for i := range all {
		all[i] = entry()
	}
	return all
}

func leb(n int) string { return string(wasm.AppendU32(nil, uint32(n))) }

func text(content string) string { return leb(len(content)) + content }

func (s *scrawler) section(id wasm.SectionID, entries ...string) string {
	if len(entries) == 0 && !s.seldom() {
		return ""
	}
	return string([]byte{byte(id)}) + text(leb(len(entries))+strings.Join(entries, ""))
}

// module makes three functions, the first of which is _start.
func (s *scrawler) module() []byte {
	s.shapes = []shape{{}, {i32, ""}, {i32 + i32 + i32 + i32, i32}, s.shape(), s.shape()}
	var types, own, code []string
	for _, t := range s.shapes {
		types = append(types, "\x60"+text(t.params)+text(t.results))
	}
	imports := s.some(4, s.imported)
	for _, t := range []int{0, s.r.IntN(len(s.shapes)), s.r.IntN(len(s.shapes))} {
		s.functions = append(s.functions, t)
		own = append(own, leb(t))
	}
	for i := range own {
		code = append(code, text("\x00"+s.code(len(imports)+i)+"\x0b"))
	}
	out := "\x00asm\x01\x00\x00\x00" + s.section(wasm.SectionType, types...) + s.section(wasm.SectionImport, imports...) +
		s.section(wasm.SectionFunction, own...) + s.section(wasm.SectionTable, s.some(2, s.table)...) +
		s.section(wasm.SectionMemory, s.limits(one(s, 0, 1, 1, 1, 16), one(s, 0, 1, 16, 17, 1<<16))) +
		s.section(wasm.SectionGlobal, s.some(3, s.global)...) +
		s.section(wasm.SectionExport, append(s.some(1, s.export), text("_start")+"\x00"+leb(len(imports)), text("memory")+"\x02\x00")...)
	if s.r.IntN(4) == 0 {
		out += string([]byte{byte(wasm.SectionStart)}) + text(leb(s.r.IntN(len(s.functions))))
	}
	out += s.section(wasm.SectionElement, s.some(2, s.elements)...)
	data := s.some(2, s.data)
	if s.r.IntN(3) == 0 {
		out += string([]byte{byte(wasm.SectionDataCount)}) + text(leb(len(data)))
	}
	out += s.section(wasm.SectionCode, code...) + s.section(wasm.SectionData, data...)
	module := []byte(out)
	if s.seldom() {
		module[8+s.r.IntN(len(module)-8)] = byte(s.r.IntN(256))
	}
	return module
}

func (s *scrawler) shape() shape {
	from := one(s, numbers, numbers, values)
	return shape{s.types(one(s, 0, 1, 2, 3, 9, screen.MaxParams), from), s.types(one(s, 0, 0, 1, 1, 2, screen.MaxResults), from)}
}

func (s *scrawler) types(n int, from string) string {
	var out strings.Builder
	for range n {
		out.WriteByte(from[s.r.IntN(len(from))])
	}
	return out.String()
}

// imported has types that fit the task ABI more often than by chance.
func (s *scrawler) imported() string {
	module, name := one(s, "env", "env", "other", "wasi_unstable", "\x00", screen.ABI, screen.ABI), one(s, "f", "", "_start", "memory", rewrite.FuelExport, "proc_exit", "fd_write", "fd_read")
	if s.seldom() {
		module = ""
	}
	t := s.r.IntN(len(s.shapes))
	switch {
	case s.seldom() || module != screen.ABI:
	case name == "proc_exit":
		t = 1
	case strings.HasPrefix(name, "fd_"):
		t = 2
	}
	s.functions = append(s.functions, t)
	return text(module) + text(name) + "\x00" + leb(t)
}

// code gives what the function must, after a call of the first import by _start.
func (s *scrawler) code(function int) string {
	out, t := "", s.shapes[s.functions[function]]
	if first := s.shapes[s.functions[0]]; len(s.functions) > 3 && t == (shape{}) && s.r.IntN(2) == 0 {
		out = s.constants(first.params) + "\x10\x00" + strings.Repeat("\x1a", len(first.results))
	}
	return out + s.constants(t.results)
}

func (s *scrawler) constants(types string) string {
	var out strings.Builder
	for i := range len(types) {
		out.WriteString(s.constant(types[i]))
	}
	return out.String()
}

func (s *scrawler) constant(t byte) string {
	if s.r.IntN(100) == 0 {
		t = values[s.r.IntN(len(values))]
	}
	switch wasm.ValueType(t) {
	case wasm.I32: // 0, 1, 2, -1, the size of a page and its neighbours, the least
		return "\x41" + one(s, "\x00", "\x00", "\x00", "\x01", "\x02", "\x7f", "\xff\xff\x03", "\x80\x80\x04", "\x81\x80\x04", "\x80\x80\x80\x80\x78")
	case wasm.I64:
		return "\x42\x7f"
	case wasm.F32:
		return "\x43\x01\x00\xc0\x7f"
	case wasm.F64:
		return "\x44\x01\x00\x00\x00\x00\x00\xf8\x7f"
	case wasm.V128:
		return "\xfd\x0c0123456789abcdef"
	case wasm.FuncRef:
		return one(s, "\xd0\x70", "\xd2"+leb(s.r.IntN(len(s.functions)+1)))
	}
	return one(s, "\xd0\x6f", "\xd0\x6f", "\xd0\x6f", "\x23\x00")
}

func (s *scrawler) limits(least, most int) string {
	if s.r.IntN(2) == 0 {
		return "\x00" + leb(least)
	}
	return "\x01" + leb(least) + leb(max(most, least*s.r.IntN(5)))
}

func (s *scrawler) table() string {
	t := one(s, funcRef, funcRef, "\x6f")
	s.tables += t
	return t + s.limits(one(s, 0, 1, 2, 1000), one(s, 0, 1, 2, screen.MaxTableEntries, 1<<32-1))
}

func (s *scrawler) global() string {
	t := values[s.r.IntN(len(values))]
	return string([]byte{t, byte(s.r.IntN(2))}) + s.constant(t) + "\x0b"
}

func (s *scrawler) export() string {
	kind := one(s, wasm.KindFunction, wasm.KindTable, wasm.KindMemory, wasm.KindGlobal)
	return text(one(s, "", "f", "_initialize", rewrite.DepthExport)) + string([]byte{byte(kind), byte(s.r.IntN(3))})
}

// elements makes a segment of any kind. Bits of its flags are: not active, has a
// table index (or is declarative), holds expressions.
func (s *scrawler) elements() string {
	flags, table, t := s.r.IntN(8), 0, byte(wasm.FuncRef)
	out := leb(flags)
	if flags&1 == 0 {
		if flags&2 != 0 {
			table = s.r.IntN(len(s.tables) + 1)
			out += leb(table)
		}
		out += s.constant(i32[0]) + "\x0b"
	}
	if expressions := flags&4 != 0; flags&3 != 0 && expressions {
		if table < len(s.tables) {
			t = s.tables[table]
		}
		out += string([]byte{t})
	} else if flags&3 != 0 {
		out += "\x00"
	}
	entries := s.some(3, func() string {
		if flags&4 != 0 {
			return s.constant(t) + "\x0b"
		}
		return leb(s.r.IntN(len(s.functions)))
	})
	return out + leb(len(entries)) + strings.Join(entries, "")
}

func (s *scrawler) data() string {
	content := text(one(s, "", "x", "some text"))
	return one(s, "\x00"+s.constant(i32[0])+"\x0b", "\x01", "\x02\x00"+s.constant(i32[0])+"\x0b") + content
}
