package rewrite_test

import (
	"strings"
	"testing"
)

// TestFuelIsExact counts known programs by hand.
func TestFuelIsExact(t *testing.T) {
	const (
		get0    = "\x20\x00"
		get1    = "\x20\x01"
		one     = "\x41\x01"
		nop     = "\x01"
		import_ = "\x10\x00"
	)
	for _, test := range []struct {
		name string
		code string // of (i32) -> (), with an i32 local; function 1 is () -> (), costs 2
		arg  uint64
		want int64
	}{
		{"nothing", "", 0, 0},
		{"nops and blocks", nop + nop + "\x02\x40\x0b", 0, 0},
		{"straight", one + "\x1a" + one + "\x1a", 0, 4},
		{"block left early", "\x02\x40" + get0 + "\x0d\x00" + one + "\x1a\x0b" + one + "\x1a", 1, 4},
		{"block not left early", "\x02\x40" + get0 + "\x0d\x00" + one + "\x1a\x0b" + one + "\x1a", 0, 6},
		{"if taken", get0 + "\x04\x40" + one + "\x1a\x0b" + one + "\x1a", 1, 6},
		{"if not taken", get0 + "\x04\x40" + one + "\x1a\x0b" + one + "\x1a", 0, 4},
		{"else not taken", get0 + "\x04\x40" + one + "\x1a\x05" + nop + "\x0b" + one + "\x1a", 1, 6},
		{"else taken", get0 + "\x04\x40" + one + "\x1a\x05" + one + one + "\x1a\x1a\x0b" + one + "\x1a", 0, 8},
		{"return in if", one + "\x1a" + get0 + "\x04\x40\x0f\x0b" + one + "\x1a", 1, 5},
		{"no return in if", one + "\x1a" + get0 + "\x04\x40\x0f\x0b" + one + "\x1a", 0, 6},
		{"branch out of if", one + "\x1a" + get0 + "\x04\x40" + one + "\x0d\x00" + nop + "\x0b" + one + "\x1a", 1, 8},
		{"if around if", get0 + "\x04\x40" + get0 + "\x04\x40" + one + "\x1a\x0b" + one + "\x1a\x0b" + one + "\x1a", 1, 10},
		{"if with a call", get0 + "\x04\x40\x10\x01\x0b" + one + "\x1a", 1, 7},
		{"if without its call", get0 + "\x04\x40\x10\x01\x0b" + one + "\x1a", 0, 4},
		{"branch to the function", get0 + "\x0d\x00" + one + "\x1a", 1, 2},
		{"unreached", "\x0f" + one + "\x1a\x02\x40" + one + "\x1a\x0b", 0, 1},
		{"block that ends nowhere", "\x02\x40\x0c\x00" + one + "\x1a\x0b" + one + "\x1a", 0, 3},
		{"table", "\x02\x40\x02\x40" + get0 + "\x0e\x01\x00\x01\x0b" + one + "\x1a\x0b", 0, 4},
		{"table's default", "\x02\x40\x02\x40" + get0 + "\x0e\x01\x00\x01\x0b" + one + "\x1a\x0b", 5, 2},
		// each turn: get 0, const, sub, tee, br_if
		{"loop", "\x03\x40" + get0 + one + "\x6b\x22\x00\x0d\x00\x0b", 10, 50},
		{"call", "\x10\x01" + "\x10\x01", 0, 6},
		{"indirect call", "\x41\x01\x11\x01\x00", 0, 4},
		{"import", one + import_, 0, 2},
		{"fill", "\x41\x00\x41\x00\x41\xe4\x00\xfc\x0b\x00", 0, 4 + 12},
		{"grow", "\x41\x02\x40\x00\x1a", 0, 3 + 100 + 2*4},
		{"grow in vain", "\x41\x05\x40\x00\x1a", 0, 3 + 100},
		{"table fill", "\x41\x00\xd0\x70\x41\x05\xfc\x11\x00", 0, 4 + 5},
		{"table grow", "\xd0\x70\x41\x07\xfc\x0f\x00\x1a", 0, 4 + 7},
		{"local that is left", get1 + "\x1a", 0, 2},
	} {
		module := spec{
			imports: []function{{name: "i32", params: i32}},
			functions: []function{
				{code: one + "\x1a"},
				{name: "run", params: i32, locals: i32, code: test.code},
			},
		}.encode()
		rewritten := mustRewrite(t, module, all)
		for _, engine := range engines {
			in := instantiate(t, engine.config(), rewritten)
			in.give(1_000_000)
			if _, err := in.call("run", test.arg); err != nil {
				t.Errorf("%s on the %s: %v", test.name, engine.name, err)
			}
			if fuel, _ := in.left(); 1_000_000-fuel != test.want {
				t.Errorf("%s on the %s: used %d fuel, want %d", test.name, engine.name, 1_000_000-fuel, test.want)
			}
			// The last unit counts.
			in.give(test.want)
			if _, err := in.call("run", test.arg); !strings.HasPrefix(test.name, "grow") && err != nil && test.want > 0 {
				t.Errorf("%s on the %s with just enough fuel: %v", test.name, engine.name, err)
			}
		}
	}
}

// TestOldFuel is for jobs that began by the rules before: memory that grows costs what
// filling it would, if it grows.
func TestOldFuel(t *testing.T) {
	for code, want := range map[string]int64{"\x41\x02\x40\x00\x1a": 3 + 2*8192, "\x41\x05\x40\x00\x1a": 3} {
		module := spec{functions: []function{{name: "run", code: code}}}.encode()
		o := all
		o.OldFuel = true
		rewritten := mustRewrite(t, module, o)
		for _, engine := range engines {
			in := instantiate(t, engine.config(), rewritten)
			in.give(1_000_000)
			if _, err := in.call("run"); err != nil {
				t.Errorf("%x on the %s: %v", code, engine.name, err)
			}
			if fuel, _ := in.left(); 1_000_000-fuel != want {
				t.Errorf("%x on the %s: used %d fuel, want %d", code, engine.name, 1_000_000-fuel, want)
			}
		}
	}
}
