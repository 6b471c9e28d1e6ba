package rewrite_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// FuzzMutants changes an instruction or a byte of random valid modules. What
// passes screening must be rewritten, and the engine must take it as it was and
// as it is then, and show the same when it runs; it must take nothing that
// screening says is not valid.
func FuzzMutants(f *testing.F) {
	for seed := range uint64(50) {
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, seed, change uint64) { compareMutant(t, seed, change, true) })
}

// TestMutants wants mutants of both kinds.
func TestMutants(t *testing.T) {
	n := uint64(4000)
	if testing.Short() || underRace {
		n = 200
	}
	var valid int
	for seed := range n {
		if compareMutant(t, seed/20, seed, seed%50 == 0) {
			valid++
		}
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
	if valid < int(n/20) || valid > int(n*19/20) {
		t.Errorf("%d of %d mutants are valid: the changes are of one kind", valid, n)
	}
}

func compareMutant(t testing.TB, seed, change uint64, run bool) (valid bool) {
	t.Helper()
	source := mutant(seed, change)
	err := screen.Check(source, screen.Options{TrapUnknown: true})
	var refused *refusal.Error
	if errors.As(err, &refused) {
		if refused.Reason == refusal.Invalid && interpret(source) == nil {
			t.Errorf("the engine takes what is refused as not valid: %v", err)
		}
		return false
	}
	if err := interpret(source); err != nil {
		t.Errorf("passes, but the engine refuses it: %v", err)
		return true
	}
	if err := interpret(mustRewrite(t, source, all)); err != nil {
		t.Errorf("passes, but the engine refuses what is made of it: %v", err)
		return true
	}
	if !run {
		return true
	}
	first := runModule(t, wazero.NewRuntimeConfigCompiler(), mustRewrite(t, source, rewrite.Options{Depth: true, Fuel: true}), seed%5, 10_000_000)
	if first.fuel >= 0 && first.depth >= 0 && !strings.Contains(first.trap, "stack overflow") {
		compareRandom(t, source, seed, true)
	}
	return true
}

// interpret gives the engine's opinion; it panics on some invalid modules.
func interpret(module []byte) (err error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter())
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		_ = r.Close(ctx)
	}()
	_, err = r.CompileModule(ctx, module)
	return err
}

// mutant makes a module that is a command, and changes a function of it.
func mutant(seed, change uint64) []byte {
	g := generator{r: rand.New(rand.NewPCG(seed, 4)), bits: true}
	g.module()
	r := rand.New(rand.NewPCG(change, 5))
	f := &g.functions[r.IntN(len(g.functions))]
	f.code = mutate(r, f.code)
	imports := []function{{name: "f64", params: f64}, {name: "two", params: f64 + f32}}
	return spec{imports: imports, functions: append(g.functions, function{name: "_start"})}.encode()
}

// mutate leaves out an instruction, puts a copy of another or any byte in its
// place, or does nothing.
func mutate(r *rand.Rand, code string) string {
	var instructions []wasm.Instruction
	var w wasm.Walker
	w.Reset(&wasm.Body{Code: []byte(code + "\x0b")})
	for in := (wasm.Instruction{}); w.Next(&in); {
		instructions = append(instructions, in)
	}
	in := instructions[r.IntN(len(instructions))]
	if in.End > len(code) {
		return code // that is its end
	}
	other := instructions[r.IntN(len(instructions)-1)]
	switch before, after := code[:in.Start], code[in.End:]; r.IntN(4) {
	case 0:
		return before + after
	case 1:
		return before + code[other.Start:other.End] + after
	case 2:
		return before + code[other.Start:other.End] + code[in.Start:]
	default:
		at := in.Start + r.IntN(in.End-in.Start)
		return code[:at] + string([]byte{byte(r.IntN(256))}) + code[at+1:]
	}
}
