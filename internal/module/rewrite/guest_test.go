package rewrite_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"

	"github.com/anthill-grid/anthill/internal/lab/guests"
	"github.com/anthill-grid/anthill/internal/module/rewrite"
)

// TestGoGuest runs a real program, of more than 2 MB, with and without
// rewriting: it says the same, and uses the same fuel each time.
func TestGoGuest(t *testing.T) {
	module := goGuest(t)
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer func() { _ = r.Close(ctx) }()
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	bare, err := r.CompileModule(ctx, module)
	if err != nil {
		t.Fatal(err)
	}
	rewritten, err := r.CompileModule(ctx, mustRewrite(t, module, all))
	if err != nil {
		t.Fatal(err)
	}
	for _, args := range []string{"echo", "world", "fail", "log"} {
		want, _ := runGuest(t, r, bare, args)
		got, used := runGuest(t, r, rewritten, args)
		if got != want || len(want) < 10 {
			t.Errorf("%s: %.300q, want %.300q", args, got, want)
		}
		if _, again := runGuest(t, r, rewritten, args); again != used || used < 10_000 {
			t.Errorf("%s: used %d fuel, then %d", args, used, again)
		}
	}
}

// runGuest gives all that it wrote and its exit code.
func runGuest(t *testing.T, r wazero.Runtime, code wazero.CompiledModule, arg string) (said string, used int64) {
	t.Helper()
	ctx := context.Background()
	var out bytes.Buffer
	in, err := r.InstantiateModule(ctx, code, wazero.NewModuleConfig().WithName("").WithStartFunctions().
		WithArgs("task", arg).WithStdin(strings.NewReader("some input")).WithStdout(&out).WithStderr(&out))
	if err != nil {
		t.Fatal(err)
	}
	const budget = 1 << 40
	fuel, counted := in.ExportedGlobal(rewrite.FuelExport).(api.MutableGlobal)
	if counted {
		fuel.Set(budget)
	}
	_, err = in.ExportedFunction("_start").Call(ctx)
	var exit *sys.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatalf("%s: %v", arg, err)
	}
	if exit != nil && exit.ExitCode() != 0 {
		out.WriteString("\nexit code not 0")
	}
	if counted {
		used = budget - int64(fuel.Get())
	}
	return out.String(), used
}

func goGuest(tb testing.TB) []byte {
	tb.Helper()
	return guests.Module(tb, "github.com/anthill-grid/anthill/worker/sandbox/testdata/guest")
}

// BenchmarkRewrite says how fast a Go guest is rewritten, and how much it grows.
func BenchmarkRewrite(b *testing.B) {
	module := goGuest(b)
	b.SetBytes(int64(len(module)))
	var size int
	for b.Loop() {
		size = len(mustRewrite(b, module, all))
	}
	b.ReportMetric(float64(size)/float64(len(module)), "grown")
}
