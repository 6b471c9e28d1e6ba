package rewrite_test

import (
	"context"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// spec is a hand-made module with a memory of one page, a table of 8 entries
// with its own functions at their indices (below 8), and a mutable global of each number type, 0 to 3.
type spec struct {
	imports   []function
	functions []function
	start     int      // index of the start function plus 1
	names     []string // further exports of the memory, to collide with
}

// function has code without its end. Its index is its place, imports first.
type function struct {
	name            string // of an import, from module "host"
	params, results string // value types
	locals          string
	code            string
}

const (
	i32, i64, f32, f64, v128 = "\x7f", "\x7e", "\x7d", "\x7c", "\x7b"
	firstFloatGlobal         = 2
)

func (s spec) encode() []byte {
	all := append(append([]function(nil), s.imports...), s.functions...)
	var types, imports, functions, code, elements string
	for i, f := range all {
		types += "\x60" + leb(len(f.params)) + f.params + leb(len(f.results)) + f.results
		if i < len(s.imports) {
			imports += text("host") + text(f.name) + "\x00" + leb(i)
			continue
		}
		functions += leb(i)
		var locals string
		for _, t := range []byte(f.locals) {
			locals += "\x01" + string([]byte{t})
		}
		body := leb(len(f.locals)) + locals + f.code + "\x0b"
		code += leb(len(body)) + body
	}
	var inTable int
	for i := range all {
		if i >= len(s.imports) && i < 8 {
			elements += leb(i)
			inTable++
		}
	}
	exports, count := text("memory")+"\x02\x00"+text("global")+"\x03\x00", 2
	for i, f := range s.functions {
		if f.name != "" {
			exports += text(f.name) + "\x00" + leb(len(s.imports)+i)
			count++
		}
	}
	for _, name := range s.names {
		exports += text(name) + "\x02\x00"
		count++
	}
	out := "\x00asm\x01\x00\x00\x00" + section(1, leb(len(all))+types)
	if len(s.imports) > 0 {
		out += section(2, leb(len(s.imports))+imports)
	}
	out += section(3, leb(len(s.functions))+functions)
	out += section(4, "\x01\x70\x00\x08") + section(5, "\x01\x01\x01\x04")
	out += section(6, "\x04"+"\x7f\x01\x41\x00\x0b"+"\x7e\x01\x42\x00\x0b"+
		"\x7d\x01\x43\x00\x00\x00\x00\x0b"+"\x7c\x01\x44\x00\x00\x00\x00\x00\x00\x00\x00\x0b")
	out += section(7, leb(count)+exports)
	if s.start > 0 {
		out += section(8, leb(s.start-1))
	}
	out += section(9, "\x01\x00\x41"+leb(len(s.imports))+"\x0b"+leb(inTable)+elements)
	out += section(12, "\x01") + section(10, leb(len(s.functions))+code)
	return []byte(out + section(11, "\x01\x01\x04data"))
}

func leb(v int) string { return string(wasm.AppendU32(nil, uint32(v))) }

func text(s string) string { return leb(len(s)) + s }

func section(id byte, body string) string { return string([]byte{id}) + leb(len(body)) + body }

// engines are wazero's two.
var engines = []struct {
	name   string
	config func() wazero.RuntimeConfig
}{
	{"compiler", wazero.NewRuntimeConfigCompiler},
	{"interpreter", wazero.NewRuntimeConfigInterpreter},
}

// all are all options.
var all = rewrite.Options{NaN: true, Depth: true, Fuel: true}

func mustRewrite(t testing.TB, module []byte, o rewrite.Options) []byte {
	t.Helper()
	r, err := rewrite.Rewrite(module, o)
	if err != nil {
		t.Fatal(err)
	}
	return r.Module
}

// instance is a module on an engine, with a host that notes what it is told.
type instance struct {
	api.Module
	noted []uint64
}

func instantiate(t testing.TB, config wazero.RuntimeConfig, module []byte) *instance {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, config)
	t.Cleanup(func() { _ = r.Close(ctx) })
	in := &instance{}
	host := r.NewHostModuleBuilder("host")
	for name, types := range map[string][]api.ValueType{
		"i32": {api.ValueTypeI32}, "f32": {api.ValueTypeF32}, "f64": {api.ValueTypeF64}, "two": {api.ValueTypeF64, api.ValueTypeF32},
	} {
		host.NewFunctionBuilder().WithGoFunction(in.note(types), types, nil).Export(name)
	}
	if _, err := host.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	var err error
	if in.Module, err = r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().WithStartFunctions()); err != nil {
		t.Fatalf("instantiate: %v", err)
	}
	return in
}

// give sets the fuel, if the module counts it.
func (in *instance) give(budget int64) {
	if g, ok := in.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal); ok {
		g.Set(uint64(budget))
	}
}

// left is the fuel that is left, and the depth.
func (in *instance) left() (fuel int64, depth int32) {
	if g := in.ExportedGlobal(rewrite.FuelExport); g != nil {
		fuel = int64(g.Get())
	}
	if g := in.ExportedGlobal(rewrite.DepthExport); g != nil {
		depth = int32(g.Get())
	}
	return fuel, depth
}

func (in *instance) call(name string, args ...uint64) ([]uint64, error) {
	return in.ExportedFunction(name).Call(context.Background(), args...)
}

// note remembers what a host function is given. The upper half of a slot is
// whatever it was if a type of 32 bits is in it.
func (in *instance) note(types []api.ValueType) api.GoFunc {
	return func(_ context.Context, stack []uint64) {
		for i, t := range types {
			if t == api.ValueTypeI32 || t == api.ValueTypeF32 {
				stack[i] = uint64(uint32(stack[i]))
			}
			in.noted = append(in.noted, stack[i])
		}
	}
}

// global is the value of global 0.
func (in *instance) global(t testing.TB) uint64 {
	t.Helper()
	return in.ExportedGlobal("global").Get()
}
