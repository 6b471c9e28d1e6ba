package rewrite_test

import (
	"bytes"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// straight writes random straight code that stores, loads and computes floats,
// and some integers, in the first 40 bytes of memory. Stores overlap.
type straight struct {
	r    *rand.Rand
	code []byte
}

func (s *straight) emit(code ...byte) { s.code = append(s.code, code...) }

func (s *straight) address() {
	s.emit(0x41, byte(s.r.IntN(8)*4+s.r.IntN(16)/15))
}

func (s *straight) store(wide bool) {
	s.address()
	s.value(wide, 2)
	if wide {
		s.emit(0x39, 0, 0)
	} else {
		s.emit(0x38, 0, 0)
	}
}

// value leaves a float on the stack.
func (s *straight) value(wide bool, depth int) {
	load, number, root, neg, add := byte(0x2a), byte(0x43), byte(0x91), byte(0x8c), byte(0x92)
	if wide {
		load, number, root, neg, add = 0x2b, 0x44, 0x9f, 0x9a, 0xa0
	}
	choice := s.r.IntN(8)
	switch {
	case choice == 0:
		s.emit(number)
		s.constant(wide)
	case choice < 3 || depth == 0:
		s.address()
		s.emit(load, 0, 0)
	case choice == 3:
		s.value(wide, depth-1)
		s.emit(root)
	case choice == 4:
		s.value(wide, depth-1)
		s.emit(neg)
	default:
		s.value(wide, depth-1)
		s.value(wide, depth-1)
		s.emit(add + byte(s.r.IntN(4)))
	}
}

func (s *straight) constant(wide bool) {
	values := []float64{0, 1, -2.5, math.Inf(1), math.Inf(-1)}
	v := values[s.r.IntN(len(values))]
	if wide {
		s.code = binary.LittleEndian.AppendUint64(s.code, math.Float64bits(v))
	} else {
		s.code = binary.LittleEndian.AppendUint32(s.code, math.Float32bits(float32(v)))
	}
}

func (s *straight) statement() {
	switch s.r.IntN(12) {
	case 0: // copy an integer
		s.address()
		s.address()
		s.emit(0x29, 0, 0, 0x37, 0, 0)
	case 1: // store a byte that makes payloads
		s.address()
		s.emit(0x41, 0x7f, 0x3a, 0, 0)
	case 2: // in a block
		s.emit(0x02, 0x40)
		s.store(true)
		s.store(true)
		s.emit(0x0b)
	case 3, 4, 5:
		s.store(false)
	default:
		s.store(true)
	}
}

// mendEach is the dumb version: it mends each float before it is
// stored, unless the instruction before is a load or a constant.
func mendEach(t *testing.T, module []byte) []byte {
	t.Helper()
	m, err := wasm.Decode(module)
	if err != nil {
		t.Fatal(err)
	}
	var out []byte
	w, prev := m.Walk(0), wasm.OpNop
	for in := (wasm.Instruction{}); w.Next(&in); {
		clean := prev == wasm.OpF32Load || prev == wasm.OpF64Load || prev == wasm.OpF32Const || prev == wasm.OpF64Const
		switch {
		case clean:
		case in.Op == wasm.OpF32Store:
			out = append(out, 0x21, 0, 0x20, 0, 0x43, 0, 0, 0xc0, 0x7f, 0x20, 0, 0x20, 0, 0x5b, 0x1b)
		case in.Op == wasm.OpF64Store:
			out = append(out, 0x21, 1, 0x20, 1, 0x44, 0, 0, 0, 0, 0, 0, 0xf8, 0x7f, 0x20, 1, 0x20, 1, 0x61, 0x1b)
		}
		out = append(out, m.Code[0].Code[in.Start:in.End]...)
		prev = in.Op
	}
	m.Code[0].Code = out
	return m.Encode()
}

// TestStoresAgainstMendingEach compares the memory that random straight code
// leaves with that of the dumb version, bit by bit.
func TestStoresAgainstMendingEach(t *testing.T) {
	n := uint64(400)
	if testing.Short() || underRace {
		n = 60
	}
	nans := 0
	for seed := range n {
		s := straight{r: rand.New(rand.NewPCG(seed, 2))}
		for range 2 + s.r.IntN(30) {
			s.statement()
		}
		module := spec{functions: []function{{name: "run", locals: f32 + f64, code: string(s.code)}}}.encode()
		before := make([]byte, 48)
		for i := 0; i < len(before); i += 8 {
			v := []float64{0, 1, -3, math.Inf(1), math.NaN()}[s.r.IntN(5)]
			binary.LittleEndian.PutUint64(before[i:], math.Float64bits(v)|s.r.Uint64N(2)<<63|s.r.Uint64N(2))
		}
		want := straightMemory(t, 0, mendEach(t, module), before)
		for i, engine := range engines {
			for _, o := range []rewrite.Options{{NaN: true}, all} {
				if got := straightMemory(t, i, mustRewrite(t, module, o), before); !bytes.Equal(got, want) {
					t.Fatalf("seed %d on the %s with %+v:\n%x, want\n%x", seed, engine.name, o, got, want)
				}
			}
		}
		if !bytes.Equal(want, straightMemory(t, 0, module, before)) {
			nans++
		}
	}
	if nans < int(n/8) {
		t.Errorf("%d of %d programs store a NaN that has to be mended: too few", nans, n)
	}
}

// straightMemory runs a module on an engine and gives what it leaves.
func straightMemory(t *testing.T, engine int, module, before []byte) []byte {
	t.Helper()
	in := instantiate(t, engines[engine].config(), module)
	in.give(1 << 40)
	in.Memory().Write(0, before)
	if _, err := in.call("run"); err != nil {
		t.Fatal(err)
	}
	after, _ := in.Memory().Read(0, 64)
	return bytes.Clone(after)
}
