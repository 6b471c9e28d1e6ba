package screen

import (
	"strings"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// signature is what an instruction takes off the stack and puts on it, whatever
// the module is. Instructions that ask the module have none.
type signature struct {
	in    [3]wasm.ValueType
	takes uint8
	out   wasm.ValueType // 0 is none
	align uint8          // the exponent of the largest alignment of an access
	lanes uint8          // how many there are to choose from
	known bool
	free  bool // it costs the engine nothing that the meter counts
}

// signatures are those of instructions of one byte, and then those with the two
// prefixes.
var signatures = makeSignatures()

// signatureOf gives the signature of any instruction that a Walker reads.
func signatureOf(op wasm.Op) *signature { return &signatures[place(op)] }

// place is where an instruction is in the table.
func place(op wasm.Op) wasm.Op {
	if op >= 0x100 {
		return op - 0xfb00
	}
	return op
}

func makeSignatures() (table [0x300]signature) {
	for _, span := range spans {
		for op := span.first; op <= span.last; op++ {
			s := &table[place(op)]
			*s = parseSignature(span.types)
			s.align, s.lanes = span.align, span.lanes
			_, shows := rewrite.Shown(&wasm.Instruction{Op: op}, nil)
			s.free = op < 0x100 && op != wasm.OpMemoryGrow && !isConversion(op) && !shows &&
				(op < wasm.OpI32Load || op > wasm.OpI64Store32)
		}
	}
	for _, op := range []wasm.Op{wasm.OpDrop, wasm.OpSelect, wasm.OpSelectTyped, wasm.OpLocalGet, wasm.OpLocalSet, wasm.OpLocalTee,
		wasm.OpGlobalGet, wasm.OpTableGet, wasm.OpTableSet, wasm.OpRefNull, wasm.OpRefIsNull, wasm.OpRefFunc} {
		table[op].free = true
	}
	return table
}

// parseSignature reads the types of an instruction, which gives one value at most.
func parseSignature(text string) signature {
	s := signature{known: true}
	in, out := parseTypes(text)
	s.takes = uint8(copy(s.in[:], in))
	if len(out) > 0 {
		s.out = out[0]
	}
	return s
}

// parseTypes reads what goes in, a colon, and what comes out: i and l are
// integers of 32 and 64 bits, f and d floats, v a vector.
func parseTypes(text string) (in, out []wasm.ValueType) {
	letters := map[rune]wasm.ValueType{'i': wasm.I32, 'l': wasm.I64, 'f': wasm.F32, 'd': wasm.F64, 'v': wasm.V128}
	before, after, _ := strings.Cut(text, ":")
	for _, letter := range before {
		in = append(in, letters[letter])
	}
	for _, letter := range after {
		out = append(out, letters[letter])
	}
	return in, out
}

// spans are the instructions by their numbers, as the specification's index of
// instructions lists them.
var spans = [...]struct {
	first, last  wasm.Op
	types        string
	align, lanes uint8
}{
	{wasm.OpNop, wasm.OpNop, ":", 0, 0},
	{0x28, 0x28, "i:i", 2, 0}, {0x29, 0x29, "i:l", 3, 0}, {0x2a, 0x2a, "i:f", 2, 0}, {0x2b, 0x2b, "i:d", 3, 0}, // loads
	{0x2c, 0x2d, "i:i", 0, 0}, {0x2e, 0x2f, "i:i", 1, 0},
	{0x30, 0x31, "i:l", 0, 0}, {0x32, 0x33, "i:l", 1, 0}, {0x34, 0x35, "i:l", 2, 0},
	{0x36, 0x36, "ii:", 2, 0}, {0x37, 0x37, "il:", 3, 0}, {0x38, 0x38, "if:", 2, 0}, {0x39, 0x39, "id:", 3, 0}, // stores
	{0x3a, 0x3a, "ii:", 0, 0}, {0x3b, 0x3b, "ii:", 1, 0},
	{0x3c, 0x3c, "il:", 0, 0}, {0x3d, 0x3d, "il:", 1, 0}, {0x3e, 0x3e, "il:", 2, 0},
	{0x3f, 0x3f, ":i", 0, 0}, {0x40, 0x40, "i:i", 0, 0}, // size of the memory
	{0x41, 0x41, ":i", 0, 0}, {0x42, 0x42, ":l", 0, 0}, // constants
	{0x43, 0x43, ":f", 0, 0}, {0x44, 0x44, ":d", 0, 0},
	{0x45, 0x45, "i:i", 0, 0}, {0x46, 0x4f, "ii:i", 0, 0}, // comparisons
	{0x50, 0x50, "l:i", 0, 0}, {0x51, 0x5a, "ll:i", 0, 0},
	{0x5b, 0x60, "ff:i", 0, 0}, {0x61, 0x66, "dd:i", 0, 0},
	{0x67, 0x69, "i:i", 0, 0}, {0x6a, 0x78, "ii:i", 0, 0}, // arithmetic
	{0x79, 0x7b, "l:l", 0, 0}, {0x7c, 0x8a, "ll:l", 0, 0},
	{0x8b, 0x91, "f:f", 0, 0}, {0x92, 0x98, "ff:f", 0, 0},
	{0x99, 0x9f, "d:d", 0, 0}, {0xa0, 0xa6, "dd:d", 0, 0},
	{0xa7, 0xa7, "l:i", 0, 0}, {0xa8, 0xa9, "f:i", 0, 0}, {0xaa, 0xab, "d:i", 0, 0}, // conversions
	{0xac, 0xad, "i:l", 0, 0}, {0xae, 0xaf, "f:l", 0, 0}, {0xb0, 0xb1, "d:l", 0, 0},
	{0xb2, 0xb3, "i:f", 0, 0}, {0xb4, 0xb5, "l:f", 0, 0}, {0xb6, 0xb6, "d:f", 0, 0},
	{0xb7, 0xb8, "i:d", 0, 0}, {0xb9, 0xba, "l:d", 0, 0}, {0xbb, 0xbb, "f:d", 0, 0},
	{0xbc, 0xbc, "f:i", 0, 0}, {0xbd, 0xbd, "d:l", 0, 0},
	{0xbe, 0xbe, "i:f", 0, 0}, {0xbf, 0xbf, "l:d", 0, 0},
	{0xc0, 0xc1, "i:i", 0, 0}, {0xc2, 0xc4, "l:l", 0, 0},
	{0xfc00, 0xfc01, "f:i", 0, 0}, {0xfc02, 0xfc03, "d:i", 0, 0}, // saturating conversions
	{0xfc04, 0xfc05, "f:l", 0, 0}, {0xfc06, 0xfc07, "d:l", 0, 0},
	{0xfc08, 0xfc08, "iii:", 0, 0}, {0xfc09, 0xfc09, ":", 0, 0}, // bulk work
	{0xfc0a, 0xfc0c, "iii:", 0, 0}, {0xfc0d, 0xfc0d, ":", 0, 0},
	{0xfc0e, 0xfc0e, "iii:", 0, 0}, {0xfc10, 0xfc10, ":i", 0, 0},
	{0xfd00, 0xfd00, "i:v", 4, 0}, {0xfd01, 0xfd06, "i:v", 3, 0}, {0xfd07, 0xfd07, "i:v", 0, 0}, // accesses of vectors
	{0xfd08, 0xfd08, "i:v", 1, 0}, {0xfd09, 0xfd09, "i:v", 2, 0}, {0xfd0a, 0xfd0a, "i:v", 3, 0},
	{0xfd0b, 0xfd0b, "iv:", 4, 0}, {0xfd5c, 0xfd5c, "i:v", 2, 0}, {0xfd5d, 0xfd5d, "i:v", 3, 0},
	{0xfd54, 0xfd54, "iv:v", 0, 16}, {0xfd55, 0xfd55, "iv:v", 1, 8}, {0xfd56, 0xfd56, "iv:v", 2, 4}, {0xfd57, 0xfd57, "iv:v", 3, 2},
	{0xfd58, 0xfd58, "iv:", 0, 16}, {0xfd59, 0xfd59, "iv:", 1, 8}, {0xfd5a, 0xfd5a, "iv:", 2, 4}, {0xfd5b, 0xfd5b, "iv:", 3, 2},
	{0xfd0c, 0xfd0c, ":v", 0, 0}, {0xfd0d, 0xfd0d, "vv:v", 0, 32}, {0xfd0e, 0xfd0e, "vv:v", 0, 0},
	{0xfd0f, 0xfd11, "i:v", 0, 0}, {0xfd12, 0xfd12, "l:v", 0, 0}, // splats
	{0xfd13, 0xfd13, "f:v", 0, 0}, {0xfd14, 0xfd14, "d:v", 0, 0},
	{0xfd15, 0xfd16, "v:i", 0, 16}, {0xfd17, 0xfd17, "vi:v", 0, 16}, {0xfd18, 0xfd19, "v:i", 0, 8}, {0xfd1a, 0xfd1a, "vi:v", 0, 8}, // lanes
	{0xfd1b, 0xfd1b, "v:i", 0, 4}, {0xfd1c, 0xfd1c, "vi:v", 0, 4}, {0xfd1d, 0xfd1d, "v:l", 0, 2}, {0xfd1e, 0xfd1e, "vl:v", 0, 2},
	{0xfd1f, 0xfd1f, "v:f", 0, 4}, {0xfd20, 0xfd20, "vf:v", 0, 4}, {0xfd21, 0xfd21, "v:d", 0, 2}, {0xfd22, 0xfd22, "vd:v", 0, 2},
	{0xfd23, 0xfd4c, "vv:v", 0, 0}, {0xfd4d, 0xfd4d, "v:v", 0, 0}, // comparisons, bits
	{0xfd4e, 0xfd51, "vv:v", 0, 0}, {0xfd52, 0xfd52, "vvv:v", 0, 0}, {0xfd53, 0xfd53, "v:i", 0, 0},
	{0xfd5e, 0xfd62, "v:v", 0, 0}, {0xfd63, 0xfd64, "v:i", 0, 0}, {0xfd65, 0xfd66, "vv:v", 0, 0}, // 8 bits
	{0xfd67, 0xfd6a, "v:v", 0, 0}, {0xfd6b, 0xfd6d, "vi:v", 0, 0}, {0xfd6e, 0xfd73, "vv:v", 0, 0},
	{0xfd74, 0xfd75, "v:v", 0, 0}, {0xfd76, 0xfd79, "vv:v", 0, 0}, {0xfd7a, 0xfd7a, "v:v", 0, 0},
	{0xfd7b, 0xfd7b, "vv:v", 0, 0}, {0xfd7c, 0xfd81, "v:v", 0, 0}, {0xfd82, 0xfd82, "vv:v", 0, 0},
	{0xfd83, 0xfd84, "v:i", 0, 0}, {0xfd85, 0xfd86, "vv:v", 0, 0}, {0xfd87, 0xfd8a, "v:v", 0, 0}, // 16 bits
	{0xfd8b, 0xfd8d, "vi:v", 0, 0}, {0xfd8e, 0xfd93, "vv:v", 0, 0}, {0xfd94, 0xfd94, "v:v", 0, 0},
	{0xfd95, 0xfd9f, "vv:v", 0, 0},
	{0xfda0, 0xfda1, "v:v", 0, 0}, {0xfda3, 0xfda4, "v:i", 0, 0}, {0xfda7, 0xfdaa, "v:v", 0, 0}, // 32 bits
	{0xfdab, 0xfdad, "vi:v", 0, 0}, {0xfdae, 0xfdbf, "vv:v", 0, 0},
	{0xfdc0, 0xfdc1, "v:v", 0, 0}, {0xfdc3, 0xfdc4, "v:i", 0, 0}, {0xfdc7, 0xfdca, "v:v", 0, 0}, // 64 bits
	{0xfdcb, 0xfdcd, "vi:v", 0, 0}, {0xfdce, 0xfddf, "vv:v", 0, 0},
	{0xfde0, 0xfde3, "v:v", 0, 0}, {0xfde4, 0xfdeb, "vv:v", 0, 0}, // floats
	{0xfdec, 0xfdef, "v:v", 0, 0}, {0xfdf0, 0xfdf7, "vv:v", 0, 0}, {0xfdf8, 0xfdff, "v:v", 0, 0},
}
