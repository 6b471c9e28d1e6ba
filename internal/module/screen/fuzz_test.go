package screen_test

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"testing"

	"github.com/tetratelabs/wazero"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/internal/module/refusal"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
	"github.com/anthill-grid/anthill/internal/module/screen"
	"github.com/anthill-grid/anthill/internal/module/wasm"
)

// seeds are small modules, most of them valid.
func seeds() [][]byte {
	return [][]byte{
		nil, handmade.Noop(), handmade.Echo(), handmade.GrowTable(), importedMemory(),
		importing("env", "f"), []byte("\x00asm\x0d\x00\x01\x00"),
		[]byte("\x00asm\x01\x00\x00\x00\x01\x05\xff\xff\xff\xff\x0f"),
		handmade.Merges(3, 5), handmade.NestedLoops(2, 3), handmade.BranchTable(2, 4), handmade.HighStack(3, 2),
		handmade.GlobalsAtCalls(2, 3), handmade.LyingNames(), handmade.HiddenNames(), handmade.ManyExports(2),
		handmade.Fills(2), handmade.Copies(2), handmade.TableFills(2), handmade.TableGrowths(2), handmade.TableCalls(2),
		handmade.WideCalls(3, 2), handmade.Conversions(2, true), handmade.FloatStores(2), handmade.VectorStores(2),
		handmade.Spec{
			Pages: 1, Types: []handmade.Shape{{Params: 2, Results: 2}}, Tables: []handmade.Limits{{Min: 1, Max: 2}},
			Elements: []int{1}, DataSegments: 1, Globals: 1, Functions: []handmade.Function{{Type: 4, Locals: 1, Code: []byte{0x20, 0, 0x20, 1}}},
		}.Encode(),
	}
}

// FuzzCheck compares with the engine: it compiles all that passes, and what is
// made of it by the rewriter, and nothing that is refused as not valid.
func FuzzCheck(f *testing.F) {
	for _, module := range seeds() {
		f.Add(module, false)
		f.Add(module, true)
	}
	f.Fuzz(func(t *testing.T, module []byte, trap bool) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		err := screen.Check(module, screen.Options{Memory: 1 << 20, TrapUnknown: trap})
		runtime.ReadMemStats(&after)
		if used := after.TotalAlloc - before.TotalAlloc; used > 1<<20+64*uint64(len(module)) {
			t.Errorf("%d bytes allocated for a module of %d", used, len(module))
		}
		compareWithEngine(t, module, err)
	})
}

// compareWithEngine takes what Check said of a module.
func compareWithEngine(t testing.TB, source []byte, err error) {
	t.Helper()
	var refused *refusal.Error
	switch {
	case err == nil:
		if err := interpret(source); err != nil {
			t.Errorf("passes, but the engine refuses it: %v", err)
		}
		if r, err := rewrite.Rewrite(source, rewrite.Options{NaN: true, Depth: true, Fuel: true}); err != nil {
			t.Errorf("passes, but the rewriter refuses it: %v", err)
		} else if err := interpret(r.Module); err != nil {
			t.Errorf("passes, but the engine refuses what is made of it: %v", err)
		}
	case !errors.As(err, &refused) || refused.Found == "" || refused.Next == "":
		t.Errorf("Check = %#v, want nil or a whole refusal", err)
	case refused.Reason == refusal.Invalid && !claimsMuch(source) && interpret(source) == nil:
		t.Errorf("the engine takes what is refused as not valid: %v", err)
	}
}

// claimsMuch spares the engine modules with more locals than it has memory for:
// the fault may come before them.
func claimsMuch(module []byte) bool {
	m, err := wasm.Decode(module)
	for i := 0; err == nil && i < len(m.Code); i++ {
		if m.Code[i].LocalCount() > 10_000 {
			return true
		}
	}
	return err != nil
}

// interpret gives the engine's opinion, without making machine code. On some
// modules that are not valid it panics, such as where a function is called whose
// type does not exist.
func interpret(module []byte) (err error) {
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfigInterpreter().WithMemoryLimitPages(16).WithDebugInfoEnabled(false))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
		_ = r.Close(ctx)
	}()
	_, err = r.CompileModule(ctx, module)
	return err
}
