package rewrite_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

// outcome is all that a run shows.
type outcome struct {
	results []uint64
	noted   []uint64
	memory  []byte
	trap    string
	fuel    int64
	depth   int32
}

func runModule(t testing.TB, config wazero.RuntimeConfig, module []byte, arg uint64, budget int64) outcome {
	t.Helper()
	in := instantiate(t, config, module)
	in.give(budget)
	return in.run(arg)
}

func (in *instance) run(arg uint64) outcome {
	results, err := in.call("run", arg)
	out := outcome{results: results, noted: in.noted}
	if err != nil {
		out.trap, _, _ = strings.Cut(err.Error(), "\n")
	}
	memory, _ := in.Memory().Read(0, 4096)
	out.memory = bytes.Clone(memory)
	out.fuel, out.depth = in.left()
	return out
}

// sameBits leaves out fuel and depth.
func (o outcome) sameBits(other outcome) bool {
	return slices.Equal(o.results, other.results) && slices.Equal(o.noted, other.noted) &&
		bytes.Equal(o.memory, other.memory) && o.trap == other.trap
}

// withoutNaNs makes NaNs among the results (i32, i64, f32, f64) equal.
func (o outcome) withoutNaNs() outcome {
	if len(o.results) == 4 {
		o.results = slices.Clone(o.results)
		if f := math.Float32frombits(uint32(o.results[2])); f != f {
			o.results[2] = 0x7fc00000
		}
		if f := math.Float64frombits(o.results[3]); f != f {
			o.results[3] = 0x7ff8000000000000
		}
	}
	return o
}

// TestRandomModules compares random programs with what is made of them.
func TestRandomModules(t *testing.T) {
	n := uint64(200)
	if testing.Short() || underRace {
		n = 30
	}
	var traps int
	for seed := range n {
		g := generator{r: rand.New(rand.NewPCG(seed, 1)), bits: seed%2 == 0}
		if compareRandom(t, g.module(), seed, g.bits) {
			traps++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if traps == 0 || uint64(traps) > n*3/4 {
		t.Errorf("%d of %d programs trap: the generator makes too much of a kind", traps, n)
	}
}

// compareRandom runs a module and what is made of it. With bits, the program
// shows the bits of NaNs: then only the engines must agree.
func compareRandom(t testing.TB, module []byte, seed uint64, bits bool) (trapped bool) {
	t.Helper()
	arg := seed % 5
	const budget = 10_000_000
	counted := mustRewrite(t, module, rewrite.Options{Depth: true, Fuel: true})
	first := runModule(t, wazero.NewRuntimeConfigCompiler(), counted, arg, budget)
	if first.fuel < 0 {
		return true // too long to run without fuel
	}
	bare := instantiate(t, wazero.NewRuntimeConfigCompiler(), countEach(t, module))
	if bare := bare.run(arg); !bare.sameBits(first) {
		t.Errorf("fuel and depth change the outcome:\n%s\n%s", show(bare), show(first))
	}
	if used := int64(bare.ExportedGlobal("count").Get()); first.trap == "" && used != budget-first.fuel {
		t.Errorf("used %d fuel, counted %d instructions", budget-first.fuel, used)
	}
	whole := mustRewrite(t, module, all)
	var outcomes []outcome
	for _, engine := range engines {
		outcomes = append(outcomes, runModule(t, engine.config(), whole, arg, budget))
	}
	if o := outcomes; !o[0].sameBits(o[1]) || o[0].fuel != o[1].fuel || o[0].depth != o[1].depth {
		t.Errorf("the engines differ:\n%s\n%s", show(o[0]), show(o[1]))
	}
	if !bits && (!first.withoutNaNs().sameBits(outcomes[0].withoutNaNs()) || outcomes[0].fuel != first.fuel) {
		t.Errorf("canonical NaNs change the outcome:\n%s\n%s", show(first), show(outcomes[0]))
	}
	compareOutOfFuel(t, whole, arg, budget-outcomes[0].fuel)
	return first.trap != ""
}

// compareOutOfFuel gives a program too little and compares where it stops.
func compareOutOfFuel(t testing.TB, module []byte, arg uint64, used int64) {
	t.Helper()
	for _, budget := range []int64{0, used / 3, used - 1} {
		a := runModule(t, engines[0].config(), module, arg, budget)
		b := runModule(t, engines[1].config(), module, arg, budget)
		if !a.sameBits(b) || a.fuel != b.fuel || a.depth != b.depth {
			t.Errorf("with %d fuel the engines differ:\n%s\n%s", budget, show(a), show(b))
		}
	}
}

func show(o outcome) string {
	return fmt.Sprintf("%x noted %x trap %q fuel %d depth %d", o.results, o.noted, o.trap, o.fuel, o.depth)
}
