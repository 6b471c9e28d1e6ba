package screen_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime"
	"sort"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
)

// limits has a module for each limit, by the number that is limited.
var limits = []struct {
	name        string
	limit       int
	module      func(n int) []byte
	reason      refusal.Reason
	found, next string
}{
	{"types", screen.MaxTypes, func(n int) []byte {
		return handmade.Spec{Pages: 1, Types: make([]handmade.Shape, n-4)}.Encode()
	}, refusal.TooMany, "2001 types, the limit is 2000", "split"},
	{"parameters", screen.MaxParams, func(n int) []byte {
		return handmade.Spec{Pages: 1, Types: []handmade.Shape{{Params: n}}}.Encode()
	}, refusal.TooMany, "129 parameters in type 4, the limit is 128", "by reference"},
	{"results", screen.MaxResults, func(n int) []byte {
		return handmade.Spec{Pages: 1, Types: []handmade.Shape{{Results: n}}}.Encode()
	}, refusal.TooMany, "33 results in type 4, the limit is 32", "by reference"},
	{"imports", screen.MaxImports, func(n int) []byte {
		imports := make([]handmade.Import, n)
		for i := range imports {
			imports[i] = handmade.Import{Module: screen.ABI, Name: "proc_exit", Signature: handmade.OneArg}
		}
		return handmade.Spec{Pages: 1, Imports: imports}.Encode()
	}, refusal.TooMany, "1001 imports, the limit is 1000", "bindings"},
	{"functions", screen.MaxFunctions, func(n int) []byte {
		return handmade.Spec{Pages: 1, Functions: make([]handmade.Function, n-1)}.Encode()
	}, refusal.TooMany, "100001 functions, the limit is 100000", "strip"},
	{"tables", screen.MaxTables, func(n int) []byte {
		return handmade.Spec{Pages: 1, Tables: make([]handmade.Limits, n)}.Encode()
	}, refusal.TooMany, "17 tables, the limit is 16", "one table"},
	{"table entries at the start", screen.MaxTableEntries, func(n int) []byte {
		return handmade.Spec{Pages: 1, Tables: []handmade.Limits{{Min: 1, Max: -1}, {Min: n - 1, Max: -1}}}.Encode()
	}, refusal.TooMany, "200001 table entries, the limit is 200000", "smaller"},
	{"table entries when grown", screen.MaxTableEntries, func(n int) []byte {
		return handmade.Spec{
			Pages: 1, Tables: []handmade.Limits{{Min: 1, Max: n}},
			Code: []byte{0xd0, 0x70, 0x41, 1, 0xfc, 15, 0, 0x1a},
		}.Encode()
	}, refusal.TooMany, "200001 table entries, the limit is 200000", "maximum"},
	{"globals", screen.MaxGlobals, func(n int) []byte {
		return handmade.Spec{Pages: 1, Globals: n}.Encode()
	}, refusal.TooMany, "1001 globals, the limit is 1000", "in memory"},
	{"mutable globals", screen.MaxMutableGlobals, func(n int) []byte {
		return handmade.Spec{Pages: 1, MutableGlobals: n}.Encode()
	}, refusal.TooMany, "129 mutable globals, the limit is 128", "in memory"},
	{"exports", screen.MaxExports, func(n int) []byte { return handmade.ManyExports(n - 2) },
		refusal.TooMany, "1001 exports, the limit is 1000", "only _start and memory"},
	{"name of an export", screen.MaxName, func(n int) []byte {
		return handmade.Spec{Pages: 1, Exports: []string{strings.Repeat("x", n)}}.Encode()
	}, refusal.TooMany, "4097 bytes in the name of an export, the limit is 4096", "shorter"},
	{"element segments", screen.MaxElementSegments, func(n int) []byte {
		return handmade.Spec{Pages: 1, Tables: make([]handmade.Limits, 1), Elements: make([]int, n)}.Encode()
	}, refusal.TooMany, "1001 element segments, the limit is 1000", "merge"},
	{"elements", screen.MaxElements, func(n int) []byte {
		return handmade.Spec{Pages: 1, Tables: make([]handmade.Limits, 1), Elements: []int{5, n - 5}}.Encode()
	}, refusal.TooMany, "200001 elements, the limit is 200000", "pointers"},
	{"data segments", screen.MaxDataSegments, func(n int) []byte {
		return handmade.Spec{Pages: 1, DataSegments: n}.Encode()
	}, refusal.TooMany, "100001 data segments, the limit is 100000", "data files"},
	{"custom sections", screen.MaxCustomSections, func(n int) []byte {
		return handmade.Spec{Pages: 1, Customs: make([]handmade.Custom, n)}.Encode()
	}, refusal.TooMany, "257 custom sections, the limit is 256", "strip"},
	{"locals", screen.MaxLocals, func(n int) []byte {
		return handmade.Spec{Pages: 1, Locals: uint32(n)}.Encode()
	}, refusal.TooCostly, "1001 locals in its own function 0, the limit is 1000", "-O2"},
	{"locals with parameters", screen.MaxLocals, func(n int) []byte {
		return handmade.Spec{Pages: 1, Functions: []handmade.Function{{Type: int(handmade.OneArg), Locals: uint32(n - 1)}}}.Encode()
	}, refusal.TooCostly, "1001 locals in its own function 1, the limit is 1000", "-O2"},
	{"code", screen.MaxCode, func(n int) []byte {
		// 63 bodies of the largest size but one, and one that fills the rest.
		one := handmade.Function{Code: bytes.Repeat([]byte{1}, screen.MaxBody-5)}
		spec := handmade.Spec{Pages: 1, Functions: make([]handmade.Function, 63)}
		for i := range spec.Functions {
			spec.Functions[i] = one
		}
		spec.Code = bytes.Repeat([]byte{1}, n-screen.MaxCode+screen.MaxBody-6)
		return spec.Encode()
	}, refusal.TooCostly, "33554433 bytes of code, the limit is 33554432", "-Os"},
	{"body", screen.MaxBody, handmade.LongBody,
		refusal.TooCostly, "524289 bytes in the body of its own function 0, the limit is 524288", "split"},
	{"depth", screen.MaxDepth, handmade.NestedBlocks,
		refusal.TooCostly, "4001 nested blocks in its own function 0, the limit is 4000", "split"},
	{"branch table", screen.MaxBranchTable, func(n int) []byte { return handmade.BranchTable(1, n) },
		refusal.TooCostly, "10001 targets of a br_table in its own function 0, the limit is 10000", "switch"},
}

func TestLimits(t *testing.T) {
	for _, c := range limits {
		t.Run(c.name, func(t *testing.T) {
			if err := screen.Check(c.module(c.limit), screen.Options{}); err != nil {
				t.Errorf("%d: %v", c.limit, err)
			}
			wantRefusal(t, c.module(c.limit+1), screen.Options{}, c.reason, c.found, c.next)
		})
	}
}

func wantRefusal(t *testing.T, source []byte, opts screen.Options, reason refusal.Reason, found, next string) {
	t.Helper()
	var refused *refusal.Error
	if err := screen.Check(source, opts); !errors.As(err, &refused) {
		t.Fatalf("Check = %v, want a refusal", err)
	}
	if refused.Reason != reason || !strings.Contains(refused.Found, found) || !strings.Contains(refused.Next, next) {
		t.Errorf("refusal = %d, %q, next %q; want %d, %q, next %q", refused.Reason, refused.Found, refused.Next, reason, found, next)
	}
}

// TestBombs holds that what costs an engine much is refused at a small size,
// and that the same shape passes where it costs little.
func TestBombs(t *testing.T) {
	cases := []struct {
		name     string
		harmless []byte
		bomb     []byte
	}{
		{"merges", handmade.Merges(20, 1000), handmade.Merges(1000, 2000)},
		{"forks", handmade.Forks(20, 1000), handmade.Forks(1000, 1000)},
		{"chain", handmade.Chain(20, 0, 200), handmade.Chain(300, 0, 2000)},
		{"reads in a chain", handmade.Chain(1, 20, 200), handmade.Chain(1, 20, 6000)},
		{"loops without turns", handmade.LoopsWithoutTurns(20, 200), handmade.LoopsWithoutTurns(30, 5000)},
		{"loops in a loop", handmade.LoopsInALoop(20, 1000), handmade.LoopsInALoop(100, 10_000)},
		{"nested loops", handmade.NestedLoops(10, 100), handmade.NestedLoops(10, 3_000)},
		{"nested blocks", handmade.NestedBlocks(1000), handmade.NestedBlocks(100_000)},
		{"branch table", handmade.BranchTable(50, 1000), handmade.BranchTable(300, 10_000)},
		{"high stack", handmade.HighStack(50, 1000), handmade.HighStack(20_000, 20_000)},
		{"addresses", handmade.Addresses(500, 500), handmade.Addresses(16_000, 16_000)},
		{"globals at calls", handmade.GlobalsAtCalls(8, 1000), handmade.GlobalsAtCalls(100, 100_000)},
		{"long body", handmade.LongBody(100_000), handmade.LongBody(5_000_000)},
		{"fills", handmade.Fills(1000), handmade.Fills(10_000)},
		{"fills of many", handmade.FillsOfMany(50, 500), handmade.FillsOfMany(1000, 1400)},
		{"growths", handmade.Growths(1000), handmade.Growths(50_000)},
		{"high growths", handmade.HighGrowths(500), handmade.HighGrowths(6_000)},
		{"wide calls", handmade.WideCalls(32, 1000), handmade.WideCalls(32, 100_000)},
		{"conversions", handmade.Conversions(1000, false), handmade.Conversions(100_000, false)},
		{"saturating", handmade.Conversions(1000, true), handmade.Conversions(100_000, true)},
		{"exports", handmade.ManyExports(100), handmade.ManyExports(10_000)},
		{"lying names", handmade.Noop(), handmade.LyingNames()},
		{"hidden names", handmade.Noop(), handmade.HiddenNames()},
		{"growing table", handmade.Noop(), handmade.GrowTable()},
		{"many costly functions", manyFunctions(4), manyFunctions(50)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			if err := screen.Check(c.harmless, screen.Options{}); err != nil {
				t.Errorf("harmless: %v", err)
			}
			compile(t, c.harmless)
			var refused *refusal.Error
			if err := screen.Check(c.bomb, screen.Options{}); !errors.As(err, &refused) {
				t.Errorf("bomb of %d bytes: %v, want a refusal", len(c.bomb), err)
			}
		})
	}
}

// TestTheCostliestThatPassAreCompiled takes the engine to what the limits allow,
// rewritten as workers do it, or to a part of that where it is slow. What it
// allocates stays in proportion, which nothing that grows with a square does.
func TestTheCostliestThatPassAreCompiled(t *testing.T) {
	part := 1
	if testing.Short() || raceDetector {
		part = 16
	}
	for name, module := range costliest(part) {
		r, err := rewrite.Rewrite(module, rewrite.Options{NaN: true, Depth: true, Fuel: true})
		_, costs, refused := screen.Decode(module, screen.Options{})
		if err := errors.Join(err, refused); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		const each = 2 << 10
		most := uint64(each*costs.Work + each*int64(len(module)) + 1<<20)
		if n := allocatedBy(func() { compile(t, r.Module) }); n > most {
			t.Errorf("%s: compiling allocates %d MB for %d units of work and %d bytes, want at most %d MB", name, n>>20, costs.Work, len(module), most>>20)
		}
	}
}

func allocatedBy(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

// costliest are modules of one function just below a part of the limits.
func costliest(part int) map[string][]byte {
	pass := func(shape func(n int) []byte) []byte {
		return shape(sort.Search(200_000/part, func(n int) bool {
			module := shape(n + 1)
			_, costs, err := screen.Decode(module, screen.Options{})
			return err != nil || costs.Most > int64(screen.MaxWork/part) || len(module) > screen.MaxBody/part
		}))
	}
	return map[string][]byte{
		"merges":              pass(func(n int) []byte { return handmade.Merges(500, n) }),
		"forks":               pass(func(n int) []byte { return handmade.Forks(1000, n) }),
		"forks of few locals": pass(func(n int) []byte { return handmade.Forks(50, n) }),
		"chain":               pass(func(n int) []byte { return handmade.Chain(100, 0, n) }),
		"reads in a chain":    pass(func(n int) []byte { return handmade.Chain(1, 20, n) }),
		"loops without turns": pass(func(n int) []byte { return handmade.LoopsWithoutTurns(30, n) }),
		"ifs":                 pass(func(n int) []byte { return handmade.HighStack(1, n) }),
		"loops in a loop":     pass(func(n int) []byte { return handmade.LoopsInALoop(20, n) }),
		"nested loops":        pass(func(n int) []byte { return handmade.NestedLoops(10, n) }),
		"branch table":        pass(func(n int) []byte { return handmade.BranchTable(50, max(1, n)) }),
		"branch tables":       pass(func(n int) []byte { return handmade.BranchTables(1000, n) }),
		"high stack":          pass(func(n int) []byte { return handmade.HighStack(max(1, n), n) }),
		"addresses":           pass(func(n int) []byte { return handmade.Addresses(n, n) }),
		"globals at calls":    pass(func(n int) []byte { return handmade.GlobalsAtCalls(100, 2*n) }),
		"fills":               pass(handmade.Fills),
		"fills of many":       pass(func(n int) []byte { return handmade.FillsOfMany(1000, n) }),
		"copies":              pass(handmade.Copies),
		"fills of a table":    pass(handmade.TableFills),
		"growths":             pass(handmade.Growths),
		"high growths":        pass(handmade.HighGrowths),
		"table growths":       pass(handmade.TableGrowths),
		"wide calls":          pass(func(n int) []byte { return handmade.WideCalls(32, n) }),
		"calls by a table":    pass(handmade.TableCalls),
		"conversions":         pass(func(n int) []byte { return handmade.Conversions(n, false) }),
		"saturating":          pass(func(n int) []byte { return handmade.Conversions(n, true) }),
		"float stores":        pass(handmade.FloatStores),
		"vector stores":       pass(handmade.VectorStores),
		"long body":           handmade.LongBody(screen.MaxBody / part),
	}
}

// dense has 32 MB of the shortest instructions.
func dense() []byte {
	functions := make([]handmade.Function, 64)
	for i := range functions {
		functions[i].Code = bytes.Repeat([]byte{0x01}, screen.MaxBody-500)
	}
	return handmade.Spec{Pages: 1, Functions: functions}.Encode()
}

func manyFunctions(n int) []byte {
	one := handmade.Function{Locals: 100, Code: nil}
	for range 1000 {
		one.Code = append(one.Code, 0x20, 0, 0x04, 0x40, 0x41, 1, 0x21, 0, 0x0b)
	}
	functions := make([]handmade.Function, n)
	for i := range functions {
		functions[i] = one
	}
	return handmade.Spec{Pages: 1, Functions: functions}.Encode()
}

func compile(t testing.TB, module []byte) {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer func() { _ = r.Close(ctx) }()
	if _, err := r.CompileModule(ctx, module); err != nil {
		t.Errorf("compile: %v", err)
	}
}

// TestWorkOfAFunction has branches back to the start of a loop, each of which carries
// 1,000 locals. That costs 32 shares for each and 1 for every four pairs, and 4 for
// each and 4 for what else there is at a branch, and 2 for each since there are two
// blocks after the start: (32,000 + 250,000 + 4,016 + 2,000) / 128 + 2 = 2,252 units.
func TestWorkOfAFunction(t *testing.T) {
	if err := screen.Check(handmade.BranchTable(1000, 696), screen.Options{}); err != nil {
		t.Errorf("696 branches: %v", err)
	}
	wantRefusal(t, handmade.BranchTable(1000, 697), screen.Options{}, refusal.TooCostly,
		"own function 0 with so many branches (more than 700), variables (1000) and memory accesses that it costs over 1572864 units", "less inlining")
}

func TestWorkOfTheModule(t *testing.T) {
	wantRefusal(t, manyFunctions(50), screen.Options{}, refusal.TooCostly,
		fmt.Sprintf("the limit is %d for its", screen.ModuleWork+screen.WorkPerByte*(50*9001+1)), "fewer locals")
}

func TestMemoryLimit(t *testing.T) {
	source := handmade.Spec{Pages: 16}.Encode()
	for _, memory := range []int64{0, 1 << 20, 2 << 20} {
		if err := screen.Check(source, screen.Options{Memory: memory}); err != nil {
			t.Errorf("limit of %d: %v", memory, err)
		}
	}
	wantRefusal(t, source, screen.Options{Memory: 1<<20 - 1}, refusal.MemoryLimit,
		"starts with 1048576 bytes of memory, the job's limit is 1048575", "raise limits.memory")
}

func TestTablesThatGrowNeedAMaximum(t *testing.T) {
	wantRefusal(t, handmade.GrowTable(), screen.Options{}, refusal.Unbounded, "grows table 0 (table.grow), which has no maximum", "200000 entries")
	if err := screen.Check(handmade.Spec{Pages: 1, Table: true}.Encode(), screen.Options{}); err != nil {
		t.Errorf("a table without a maximum that nobody grows: %v", err)
	}
}
