package rewrite_test

import (
	"bytes"
	"math"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

const (
	canonical32 = 0x7fc00000
	canonical64 = 0x7ff8000000000000
)

// Programs that leave a NaN whose sign is set, or has a payload, on the stack.
const (
	negative32 = "\x43\x00\x00\xc0\x7f\x8c"                                                     // -nan
	negative64 = "\x44\x00\x00\x00\x00\x00\x00\xf8\x7f\x9a"                                     // -nan
	zero32     = "\x43\x00\x00\x00\x00\x43\x00\x00\x00\x00\x95"                                 // 0/0
	zero64     = "\x44\x00\x00\x00\x00\x00\x00\x00\x00\x44\x00\x00\x00\x00\x00\x00\x00\x00\xa3" // 0/0
	inf64      = "\x44\x00\x00\x00\x00\x00\x00\xf0\x7f\x44\x00\x00\x00\x00\x00\x00\xf0\x7f\xa1" // inf - inf
	root64     = "\x44\x00\x00\x00\x00\x00\x00\xf0\xbf\x9f"                                     // sqrt(-1)
	one64      = "\x44\x00\x00\x00\x00\x00\x00\xf0\x3f\x9f"                                     // sqrt(1)
	payload64  = "\x44\x01\x00\x00\x00\x00\x00\xf4\x7f\x44\x00\x00\x00\x00\x00\x00\xf0\x3f\xa0" // signalling + 1
	fours      = "\xfd\x0c\x01\x00\xa0\xff\x01\x00\xa0\xff\x01\x00\xa0\xff\x01\x00\xa0\xff"     // f32x4 of NaNs
	twos       = "\xfd\x0c\x01\x00\x00\x00\x00\x00\xf4\xff\x01\x00\x00\x00\x00\x00\xf4\xff"     // f64x2 of NaNs
	store64    = "\x39\x00\x00"                                                                 // f64.store
	store32    = "\x38\x00\x00"                                                                 // f32.store
	storeV     = "\xfd\x0b\x00\x00"                                                             // v128.store
	load64     = "\x41\x00\x29\x00\x00"                                                         // i64.load 0
	load32     = "\x41\x00\x35\x00\x00"                                                         // i64.load32_u 0
	load64High = "\x41\x00\x29\x00\x08"                                                         // i64.load 8
	addr       = "\x41\x00"
)

// TestNaN lets bits of NaNs escape on every route. Without rewriting each
// shows other bits than the canonical ones, on one engine at least.
func TestNaN(t *testing.T) {
	const double = canonical32<<32 | canonical32
	for _, test := range []struct {
		name, code string // () -> i64
		want       uint64
	}{
		{"store64", addr + negative64 + store64 + load64, canonical64},
		{"store32", addr + negative32 + store32 + load32, canonical32},
		{"0/0 in 64 bits", addr + zero64 + store64 + load64, canonical64},
		{"0/0 in 32 bits", addr + zero32 + store32 + load32, canonical32},
		{"inf-inf", addr + inf64 + store64 + load64, canonical64},
		{"sqrt", addr + root64 + store64 + load64, canonical64},
		{"payload", addr + payload64 + store64 + load64, canonical64},
		{"reinterpret64", negative64 + "\xbd", canonical64},
		{"reinterpret32", negative32 + "\xbc\xad", canonical32},
		{"copysign64", "\x44\x00\x00\x00\x00\x00\x00\xf0\x3f" + negative64 + "\xa6\xbd", 0x3ff0000000000000},
		{"copysign32", "\x43\x00\x00\x80\x3f" + negative32 + "\x98\xbc\xad", 0x3f800000},
		{"demote", addr + negative64 + "\xb6" + store32 + load32, canonical32},
		{"promote", addr + negative32 + "\xbb" + store64 + load64, canonical64},
		{"the last behind a branch, in 64 bits", strings.Repeat(addr+zero64+store64, rewrite.BranchedMends-1) + addr + negative64 + store64 + load64, canonical64},
		{"the first without, in 64 bits", strings.Repeat(addr+zero64+store64, rewrite.BranchedMends) + addr + negative64 + store64 + load64, canonical64},
		{"the first without, in 32 bits", strings.Repeat(addr+zero32+store32, rewrite.BranchedMends) + addr + negative32 + store32 + load32, canonical32},
		{"through a local", negative64 + "\x21\x00" + addr + "\x20\x00" + store64 + load64, canonical64},
		{"through a block", addr + "\x02\x7c" + negative64 + "\x0b" + store64 + load64, canonical64},
		{"through a call", addr + "\x10\x05" + store64 + load64, canonical64},
		{"through a global", negative64 + "\x24\x03" + addr + "\x23\x03" + store64 + load64, canonical64},
		{"splat64", addr + negative64 + "\xfd\x14" + storeV + load64, canonical64},
		{"splat32", addr + negative32 + "\xfd\x13" + storeV + load64, double},
		{"replace lane 64", addr + "\xfd\x0c" + string(make([]byte, 16)) + negative64 + "\xfd\x22\x01" + storeV + load64High, canonical64},
		{"replace lane 32", addr + "\xfd\x0c" + string(make([]byte, 16)) + negative32 + "\xfd\x20\x02" + storeV + load64High, canonical32},
		{"f32x4.add", addr + fours + fours + "\xfd\xe4\x01" + storeV + load64, double},
		{"f32x4.sqrt", addr + fours + "\xfd\xe3\x01" + storeV + load64, double},
		{"f32x4.max", addr + fours + fours + "\xfd\xe9\x01" + storeV + load64, double},
		{"f32x4.nearest", addr + fours + "\xfd\x6a" + storeV + load64, double},
		{"f64x2.div", addr + twos + twos + "\xfd\xf3\x01" + storeV + load64, canonical64},
		{"f64x2.min", addr + twos + twos + "\xfd\xf4\x01" + storeV + load64High, canonical64},
		{"f64x2.ceil", addr + twos + "\xfd\x74" + storeV + load64, canonical64},
		{"f64x2.promote", addr + fours + "\xfd\x5f" + storeV + load64, canonical64},
		{"f32x4.demote", addr + twos + "\xfd\x5e" + storeV + load64, double},
		{"two in a row", addr + fours + fours + "\xfd\xe4\x01" + fours + "\xfd\xe6\x01" + storeV + load64, double},
		{"absorbed", addr + fours + fours + "\xfd\xe4\x01\xfd\xe3\x01" + storeV + load64, double},
		{"not absorbed", addr + fours + fours + "\xfd\xe4\x01\xfd\xe1\x01" + storeV + load64, double | 0x80000000_80000000},
		{"lane to integer", twos + twos + "\xfd\xf0\x01\xfd\x1d\x00", canonical64},
		{"bitmask", fours + fours + "\xfd\xe4\x01\xfd\xa4\x01\xac", 0},
		{"lane to scalar", addr + twos + twos + "\xfd\xf0\x01\xfd\x21\x00" + store64 + load64, canonical64},
	} {
		module := nanModule(test.code)
		differs := false
		for _, engine := range engines {
			bare := instantiate(t, engine.config(), module)
			got, err := bare.call("run")
			if err != nil {
				t.Fatalf("%s: %v", test.name, err)
			}
			differs = differs || got[0] != test.want
			in := instantiate(t, engine.config(), mustRewrite(t, module, all))
			in.give(10_000)
			if got, err := in.call("run"); err != nil || got[0] != test.want {
				t.Errorf("%s on the %s: %x, %v; want %x", test.name, engine.name, got, err, test.want)
			}
		}
		if !differs && test.name != "not absorbed" {
			t.Errorf("%s shows canonical bits without rewriting: it proves nothing", test.name)
		}
	}
}

func nanModule(code string) []byte {
	return spec{
		imports: []function{{name: "f32", params: f32}, {name: "f64", params: f64}, {name: "two", params: f64 + f32}, {name: "i32", params: i32}},
		functions: []function{
			{name: "run", results: i64, locals: f64, code: code},
			{results: f64, code: negative64},
		},
	}.encode()
}

// TestNaNKeepsLoadedBits shows that memory can be copied through floats.
func TestNaNKeepsLoadedBits(t *testing.T) {
	const bits = 0xfff4000000000123
	for name, code := range map[string]string{
		"at once":          "\x41\x08" + addr + "\x2b\x00\x00" + store64,
		"through a local":  addr + "\x2b\x00\x00\x21\x00\x41\x08\x20\x00" + store64,
		"through a vector": "\x41\x08" + addr + "\xfd\x5d\x00\x00\xfd\x21\x00" + store64,
	} {
		in := instantiate(t, engines[0].config(), mustRewrite(t, nanModule(code+load64High), all))
		in.give(1000)
		in.Memory().WriteUint64Le(0, bits)
		if got, err := in.call("run"); err != nil || got[0] != bits {
			t.Errorf("%s: %x, %v; want the payload kept", name, got, err)
		}
	}
}

// TestNaNKeepsNumbers shows that what is no NaN stays what it is, mended behind a
// branch or without.
func TestNaNKeepsNumbers(t *testing.T) {
	for _, before := range []int{0, rewrite.BranchedMends} {
		code := strings.Repeat(addr+zero64+store64, before) + addr + one64 + store64 + load64
		in := instantiate(t, engines[0].config(), mustRewrite(t, nanModule(code), all))
		in.give(10_000)
		if got, err := in.call("run"); err != nil || got[0] != math.Float64bits(1) {
			t.Errorf("after %d others: %x, %v; want the bits of 1", before, got, err)
		}
	}
}

func TestNaNInArguments(t *testing.T) {
	module := nanModule(negative32 + "\x10\x00" + zero64 + "\x10\x01" + negative64 + negative32 + "\x10\x02" + "\x41\x07\x10\x03\x42\x00")
	for _, engine := range engines {
		bare := instantiate(t, engine.config(), module)
		if _, err := bare.call("run"); err != nil || uint32(bare.noted[0]) == canonical32 {
			t.Errorf("without rewriting the %s notes %x, %v", engine.name, bare.noted, err)
		}
		in := instantiate(t, engine.config(), mustRewrite(t, module, all))
		in.give(1000)
		if _, err := in.call("run"); err != nil || len(in.noted) != 5 {
			t.Fatalf("noted %x, %v", in.noted, err)
		}
		want := [5]uint64{canonical32, canonical64, canonical64, canonical32, 7}
		got := [5]uint64(in.noted)
		for _, i := range []int{0, 3, 4} { // 32 bits; what is above them is nobody's
			got[i] &= math.MaxUint32
		}
		if got != want {
			t.Errorf("the %s notes %x, want %x", engine.name, got, want)
		}
	}
}

func TestNaNInResults(t *testing.T) {
	for name, code := range map[string]string{
		"at the end":    negative32 + "\x41\x05" + negative64,
		"by return":     "\x02\x40" + negative32 + "\x41\x05" + negative64 + "\x0f\x0b\x00",
		"by branch":     "\x02\x40" + negative32 + "\x41\x05" + negative64 + "\x0c\x01\x0b\x00",
		"by a table":    "\x02\x40" + negative32 + "\x41\x05" + negative64 + "\x41\x00\x0e\x00\x01\x0b\x00",
		"conditionally": negative32 + "\x41\x05" + negative64 + "\x41\x01\x0d\x00",
	} {
		module := spec{functions: []function{{name: "run", results: f32 + i32 + f64, code: code}}}.encode()
		for _, options := range []rewrite.Options{{NaN: true}, all} {
			in := instantiate(t, engines[0].config(), mustRewrite(t, module, options))
			in.give(1000)
			got, err := in.call("run")
			if err != nil || got[0] != canonical32 || got[1] != 5 || got[2] != canonical64 {
				t.Errorf("%s: %x, %v", name, got, err)
			}
		}
	}
}

// TestNaNNeedsRealWork shows that a module without floats stays as it is.
func TestNaNNeedsRealWork(t *testing.T) {
	module := spec{functions: []function{{name: "run", code: "\x41\x01\x1a"}}}.encode()
	if got := mustRewrite(t, module, rewrite.Options{NaN: true}); !bytes.Equal(got, module) {
		t.Errorf("% x became % x", module, got)
	}
}
