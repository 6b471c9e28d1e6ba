package rewrite_test

import (
	"bytes"
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

func TestRewriteIsDeterministic(t *testing.T) {
	for seed := range uint64(20) {
		g := generator{r: rand.New(rand.NewPCG(seed, 2)), bits: true}
		module := g.module()
		before := bytes.Clone(module)
		if a, b := mustRewrite(t, module, all), mustRewrite(t, module, all); !bytes.Equal(a, b) {
			t.Fatalf("seed %d: two rewritings differ", seed)
		}
		if !bytes.Equal(before, module) {
			t.Fatalf("seed %d: the module was written to", seed)
		}
	}
}

// TestRefusals shows that a guest can neither export the host's names nor
// reach what is added: those modules are invalid without rewriting, and must
// not become valid by it.
func TestRefusals(t *testing.T) {
	one := func(f function) []byte { return spec{functions: []function{f}}.encode() }
	for name, test := range map[string]struct {
		module []byte
		reason string
	}{
		"fuel's name":       {spec{names: []string{rewrite.FuelExport}}.encode(), "reserved"},
		"depth's name":      {spec{names: []string{rewrite.DepthExport}}.encode(), "reserved"},
		"start's name":      {spec{names: []string{rewrite.StartExport}}.encode(), "reserved"},
		"fuel global":       {one(function{code: "\x42\x7f\x24\x04"}), "no global 4"},
		"depth global":      {one(function{code: "\x41\x7f\x24\x05"}), "no global 5"},
		"fuel local":        {one(function{locals: i32, code: "\x42\x7f\x21\x01"}), "no local 1"},
		"unreached local":   {one(function{code: "\x00\x20\x00\x1a"}), "no local 0"},
		"function":          {one(function{code: "\x10\x01"}), "no function 1"},
		"reference":         {one(function{code: "\xd2\x01\x1a"}), "no function 1"},
		"type":              {one(function{code: "\x41\x00\x11\x01\x00"}), "no type 1"},
		"block's type":      {one(function{code: "\x02\x01\x0b"}), "no type 1"},
		"start function":    {spec{functions: []function{{}}, start: 3}.encode(), "no function 2 to start"},
		"threads":           {one(function{code: "\xfe\x03\x00"}), "needs threads"},
		"floats in a table": {spec{imports: []function{{name: "f32", params: f32}}, functions: []function{{code: "\xd2\x00\x1a"}}}.encode(), "takes floats"},
		"nothing":           {nil, "is not WebAssembly"},
	} {
		_, err := rewrite.Rewrite(test.module, all)
		var refused *refusal.Error
		if !errors.As(err, &refused) || !strings.Contains(err.Error(), test.reason) {
			t.Errorf("%s: %v; want %q", name, err, test.reason)
		}
	}
}

// TestStartFunction shows that a start function runs when the host says, and
// is metered.
func TestStartFunction(t *testing.T) {
	module := spec{
		functions: []function{{name: "run"}, {code: "\x41\x2a\x24\x00\x03\x40\x23\x00\x41\x01\x6b\x24\x00\x23\x00\x0d\x00\x0b\x41\x07\x24\x00"}},
		start:     2,
	}.encode()
	r, err := rewrite.Rewrite(module, all)
	if err != nil || !r.Start {
		t.Fatalf("Start = %v, %v", r.Start, err)
	}
	for _, engine := range engines {
		in := instantiate(t, engine.config(), r.Module)
		if in.global(t) != 0 {
			t.Error("the start function ran by itself")
		}
		in.give(10_000)
		if _, err := in.call(rewrite.StartExport); err != nil || in.global(t) != 7 {
			t.Errorf("global = %d, %v", in.global(t), err)
		}
		if fuel, _ := in.left(); fuel != 10_000-2-42*6-2 {
			t.Errorf("%d fuel left", fuel)
		}
	}
}

// TestGuestsOfTheABI reads the globals after proc_exit, traps and endless loops.
func TestGuestsOfTheABI(t *testing.T) {
	for _, test := range []struct {
		name   string
		module []byte
		exit   uint32
		trap   string
		used   int64 // -1 for more than there was
	}{
		{"noop", handmade.Noop(), 0, "", 0},
		{"exit", handmade.Exit(3), 3, "", 2},
		{"trap", handmade.Trap(), 0, "unreachable", 1},
		{"count", handmade.Count(1), 0, "", 9_000_000},
		{"loop", handmade.Loop(), 0, "unreachable", -1},
		{"table", handmade.GrowTable(), 0, "", -1},
	} {
		module := mustRewrite(t, test.module, all)
		var left []int64
		for _, engine := range engines {
			fuel, err := runABI(t, engine.config(), module, 10_000_000)
			left = append(left, fuel)
			var exit *sys.ExitError
			switch {
			case test.exit != 0 && (!errors.As(err, &exit) || exit.ExitCode() != test.exit),
				test.trap != "" && (err == nil || !strings.Contains(err.Error(), test.trap)):
				t.Errorf("%s on the %s: %v", test.name, engine.name, err)
			case test.used >= 0 && fuel != 10_000_000-test.used:
				t.Errorf("%s on the %s: used %d, want %d", test.name, engine.name, 10_000_000-fuel, test.used)
			case test.used < 0 && fuel >= 0:
				t.Errorf("%s on the %s: %d fuel left", test.name, engine.name, fuel)
			}
		}
		if left[0] != left[1] {
			t.Errorf("%s: %d fuel left", test.name, left)
		}
	}
}

func runABI(t *testing.T, config wazero.RuntimeConfig, module []byte, budget int64) (left int64, err error) {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, config)
	defer func() { _ = r.Close(ctx) }()
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	in, err := r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithStartFunctions())
	if err != nil {
		t.Fatal(err)
	}
	fuel, ok := in.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal)
	if !ok {
		t.Fatal("the fuel cannot be set")
	}
	fuel.Set(uint64(budget))
	_, err = in.ExportedFunction("_start").Call(ctx)
	return int64(fuel.Get()), err
}

// FuzzRewrite takes any bytes, and random programs.
func FuzzRewrite(f *testing.F) {
	for _, module := range [][]byte{nil, handmade.Noop(), handmade.Echo(), handmade.Count(1), handmade.GrowTable(), handmade.Trap()} {
		f.Add(module)
	}
	for seed := range uint64(6) {
		g := generator{r: rand.New(rand.NewPCG(seed, 3)), bits: true}
		f.Add(g.module())
	}
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(64))
	f.Cleanup(func() { _ = r.Close(ctx) })
	f.Fuzz(func(t *testing.T, module []byte) {
		rewritten, err := rewrite.Rewrite(module, all)
		if err != nil || len(module) > 1<<16 || claimsMuch(module) {
			return
		}
		before, err := r.CompileModule(ctx, module)
		if err == nil {
			_ = before.Close(ctx)
		}
		after, rewrittenErr := r.CompileModule(ctx, rewritten.Module)
		if rewrittenErr == nil {
			_ = after.Close(ctx)
		}
		// The engine has quirks about custom sections, but no code may become
		// valid.
		if err == nil && rewrittenErr != nil ||
			rewrittenErr == nil && err != nil && strings.Contains(err.Error(), "invalid function") {
			t.Errorf("compile = %v, rewritten %v", err, rewrittenErr)
		}
	})
}

// claimsMuch spares the engine modules with more locals than it has memory for.
func claimsMuch(module []byte) bool {
	m, err := wasm.Decode(module)
	if err != nil {
		return true
	}
	for i := range m.Code {
		if m.Code[i].LocalCount() > 10_000 {
			return true
		}
	}
	return false
}
