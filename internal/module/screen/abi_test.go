package screen

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/wasm"
	"github.com/anthill-grid/anthill/worker/sandbox/prices"
)

// grid is an engine with the functions that workers give a guest.
type grid struct {
	runtime wazero.Runtime
	types   map[string]wasm.FuncType // of its functions
}

func newGrid(t *testing.T) grid {
	t.Helper()
	ctx := context.Background()
	g := grid{wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter()), map[string]wasm.FuncType{}}
	t.Cleanup(func() { _ = g.runtime.Close(ctx) })
	host := g.runtime.NewHostModuleBuilder(ABI)
	known, err := new(prices.Host).Export(ctx, host)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range known {
		g.types[name] = wasm.FuncType{Params: valueTypes(f.ParamTypes()), Results: valueTypes(f.ResultTypes())}
	}
	if _, err := host.Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	return g
}

func valueTypes(types []byte) []wasm.ValueType {
	var out []wasm.ValueType
	for _, t := range types {
		out = append(out, wasm.ValueType(t))
	}
	return out
}

// refuses tells what the engine has against an instance of a module.
func (g grid) refuses(module []byte) error {
	instance, err := g.runtime.InstantiateWithConfig(context.Background(), module, wazero.NewModuleConfig().WithName("").WithStartFunctions())
	if err != nil {
		return err
	}
	return instance.Close(context.Background())
}

// TestTypesOfTheABI holds the types against those of the functions that workers
// export, and what we say of each with one thing changed against the engine.
func TestTypesOfTheABI(t *testing.T) {
	g := newGrid(t)
	if len(g.types) < 40 {
		t.Fatalf("workers export %d functions: is the list read right?", len(g.types))
	}
	for name := range functions {
		if _, ok := g.types[name]; !ok {
			t.Errorf("%s is no function that workers export", name)
		}
	}
	for name, want := range g.types {
		if got := functions[name]; !isSame(&got, &want) {
			t.Errorf("type of %s is %s, workers export it as %s", name, typeText(&got), typeText(&want))
			continue
		}
		for _, trap := range []bool{false, true} {
			if err := errors.Join(Check(importingAs(name, want), Options{TrapUnknown: trap}), g.refuses(importingAs(name, want))); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			for _, other := range otherTypes(want) {
				var refused *refusal.Error
				err := Check(importingAs(name, other), Options{TrapUnknown: trap})
				if !errors.As(err, &refused) || refused.Reason != refusal.ForeignImport || g.refuses(importingAs(name, other)) == nil {
					t.Errorf("%s as %s: we say %v; want it refused by us and by the engine", name, typeText(&other), err)
				}
			}
		}
	}
}

// otherTypes are types that differ in one thing.
func otherTypes(t wasm.FuncType) []wasm.FuncType {
	others := []wasm.FuncType{
		{Params: slices.Concat(t.Params, []wasm.ValueType{wasm.I32}), Results: t.Results},
		{Params: t.Params, Results: slices.Concat(t.Results, []wasm.ValueType{wasm.I32})},
	}
	for i, v := range t.Params {
		other := wasm.FuncType{Params: slices.Clone(t.Params), Results: t.Results}
		other.Params[i] = wasm.I32 + wasm.I64 - v
		others = append(others, other, wasm.FuncType{Params: slices.Delete(slices.Clone(t.Params), i, i+1), Results: t.Results})
	}
	if len(t.Results) > 0 {
		others = append(others, wasm.FuncType{Params: t.Params}, wasm.FuncType{Params: t.Params, Results: []wasm.ValueType{wasm.I64}})
	}
	return others
}

func TestRefusalsOfTypesSayBoth(t *testing.T) {
	wide := wasm.FuncType{Params: make([]wasm.ValueType, MaxParams), Results: []wasm.ValueType{wasm.F32, wasm.ExternRef}}
	for i := range wide.Params {
		wide.Params[i] = wasm.F64
	}
	for want, module := range map[string][]byte{
		`imports "wasi_snapshot_preview1"."fd_seek" as (i32, i32) -> (), WASI preview 1 has it as (i32, i64, i32, i32) -> i32`:    importingAs("fd_seek", wasm.FuncType{Params: []wasm.ValueType{wasm.I32, wasm.I32}}),
		`as (f64, f64, f64, f64, f64, f64, f64, f64, f64, f64, 118 more) -> (f32, externref), WASI preview 1 has it as () -> i32`: importingAs("sched_yield", wide),
	} {
		if err := Check(module, Options{}); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "declare it by that type") || len(err.Error()) > 400 {
			t.Errorf("refusal is %v; want %q in it", err, want)
		}
	}
}

// importingAs is a command that imports a function of the ABI by a type.
func importingAs(name string, t wasm.FuncType) []byte {
	section := func(id wasm.SectionID, content ...[]byte) []byte {
		body := slices.Concat(content...)
		return append(wasm.AppendU32([]byte{byte(id)}, uint32(len(body))), body...)
	}
	text := func(s string) []byte { return append([]byte{byte(len(s))}, s...) }
	list := func(types []wasm.ValueType) []byte {
		out := wasm.AppendU32(nil, uint32(len(types)))
		for _, t := range types {
			out = append(out, byte(t))
		}
		return out
	}
	return slices.Concat([]byte("\x00asm\x01\x00\x00\x00"),
		section(wasm.SectionType, []byte{2, 0x60, 0, 0, 0x60}, list(t.Params), list(t.Results)),
		section(wasm.SectionImport, []byte{1}, text(ABI), text(name), []byte{0, 1}),
		section(wasm.SectionFunction, []byte{1, 0}), section(wasm.SectionMemory, []byte{1, 0, 1}),
		section(wasm.SectionExport, []byte{2}, text("_start"), []byte{0, 1}, text("memory"), []byte{2, 0}),
		section(wasm.SectionCode, []byte{1, 2, 0, 0x0b}),
	)
}

// TestPlacesOfSegments asks the engine, too, which overlooks elements: their table
// has two entries. The memory has a page.
func TestPlacesOfSegments(t *testing.T) {
	const header, tables, memory = "\x00asm\x01\x00\x00\x00" + "\x01\x04\x01\x60\x00\x00" + "\x03\x02\x01\x00", "\x04\x07\x02\x70\x00\x03\x70\x00\x02", "\x05\x03\x01\x00\x01"
	const exports, code = "\x07\x13\x02\x06_start\x00\x00\x06memory\x02\x00", "\x0a\x04\x01\x02\x00\x0b"
	const data, elements = "data segment 0 ends at byte %d of the memory, which has 65536 bytes at the start", "element segment 0 ends at entry %d of table 1, which has 2 entries at the start"
	g := newGrid(t)
	for name, c := range map[string]struct {
		elements, data string
		found          string
		end            int64
	}{
		"data at the last byte":            {"", "\x0b\x09\x01\x00\x41\xff\xff\x03\x0b\x01x", "", 0},
		"nothing at the end":               {"", "\x0b\x08\x01\x00\x41\x80\x80\x04\x0b\x00", "", 0},
		"data beyond the end":              {"", "\x0b\x0a\x01\x00\x41\xff\xff\x03\x0b\x02xx", data, 65537},
		"nothing beyond the end":           {"", "\x0b\x08\x01\x00\x41\x81\x80\x04\x0b\x00", data, 65537},
		"data at minus one":                {"", "\x0b\x07\x01\x00\x41\x7f\x0b\x01x", data, 1 << 32},
		"data at minus one of memory 0":    {"", "\x0b\x08\x01\x02\x00\x41\x7f\x0b\x01x", data, 1 << 32},
		"passive data":                     {"", "\x0b\x04\x01\x01\x01x", "", 0},
		"elements that fill the table":     {"\x09\x0a\x01\x02\x01\x41\x00\x0b\x00\x02\x00\x00", "", "", 0},
		"no elements at the end":           {"\x09\x08\x01\x02\x01\x41\x02\x0b\x00\x00", "", "", 0},
		"elements beyond the end":          {"\x09\x0a\x01\x02\x01\x41\x01\x0b\x00\x02\x00\x00", "", elements, 3},
		"no elements beyond the end":       {"\x09\x08\x01\x02\x01\x41\x03\x0b\x00\x00", "", elements, 3},
		"elements at minus one":            {"\x09\x09\x01\x02\x01\x41\x7f\x0b\x00\x01\x00", "", elements, 1 << 32},
		"elements that are expressions":    {"\x09\x0e\x01\x06\x01\x41\x01\x0b\x70\x02\xd0\x70\x0b\xd0\x70\x0b", "", elements, 3},
		"passive elements":                 {"\x09\x07\x01\x01\x00\x03\x00\x00\x00", "", "", 0},
		"elements that are only declared":  {"\x09\x07\x01\x03\x00\x03\x00\x00\x00", "", "", 0},
		"elements that fill another table": {"\x09\x09\x01\x00\x41\x00\x0b\x03\x00\x00\x00", "", "", 0},
	} {
		source := []byte(header + tables + memory + exports + c.elements + code + c.data)
		err, engine := Check(source, Options{}), g.refuses(source)
		if c.found == "" {
			if err != nil || engine != nil {
				t.Errorf("%s: we say %v, the engine %v; want it to pass", name, err, engine)
			}
			continue
		}
		var refused *refusal.Error
		if want := fmt.Sprintf(c.found, c.end); !errors.As(err, &refused) || refused.Reason != refusal.Misplaced || refused.Found != want || !strings.Contains(refused.Next, "initial") {
			t.Errorf("%s: refusal = %v; want %q", name, err, want)
		}
		if c.data != "" && engine == nil {
			t.Errorf("%s: the engine takes it", name)
		}
	}
}
