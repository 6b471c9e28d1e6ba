package handmade

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// TestGuests runs the guests that end on wazero itself.
func TestGuests(t *testing.T) {
	long := strings.Repeat("some input that takes several reads ", 1000)
	cases := []struct {
		name       string
		module     []byte
		stdin      string
		out, errs  string
		code       uint32
		failsAtEnd string
	}{
		{name: "noop", module: Noop()},
		{name: "exit", module: Exit(3), code: 3},
		{name: "trap", module: Trap(), failsAtEnd: "unreachable"},
		{name: "echo", module: Echo(), stdin: long, out: long},
		{name: "echo after", module: EchoAfter(1), stdin: long, out: long},
		{name: "pad", module: Pad(100_000), stdin: "start", out: "start" + strings.Repeat("\x00", 100_000-5)},
		{name: "print", module: Print(2, "hello"), errs: "hello"},
		{name: "grow", module: Grow(), out: "\x10\x00\x00\x00"},
		{name: "random", module: Random(2, 1<<20)},
		{name: "count", module: Count(2)},
		{name: "fill memory", module: FillMemory(16, 3)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			out, errs, err := run(t, c.module, c.stdin)
			var exit *sys.ExitError
			switch {
			case c.failsAtEnd != "":
				if err == nil || !strings.Contains(err.Error(), c.failsAtEnd) {
					t.Errorf("error = %v, want one with %q", err, c.failsAtEnd)
				}
			case errors.As(err, &exit):
				if exit.ExitCode() != c.code {
					t.Errorf("exit code = %d, want %d", exit.ExitCode(), c.code)
				}
			case err != nil || c.code != 0:
				t.Errorf("error = %v, want exit code %d", err, c.code)
			}
			if out != c.out || errs != c.errs {
				t.Errorf("wrote %.40q and %.40q, want %.40q and %.40q", out, errs, c.out, c.errs)
			}
		})
	}
}

// TestFloats wants all results to arrive, each where it belongs: the first are
// the absolute values of the operands.
func TestFloats(t *testing.T) {
	out, _, err := run(t, Floats(), "")
	if err != nil || len(out) != FloatsSize {
		t.Fatalf("%d bytes, %v; want %d", len(out), err, FloatsSize)
	}
	for i, x := range operands() {
		got := binary.LittleEndian.Uint64([]byte(out[8*i:]))
		if want := math.Float64bits(x) &^ (1 << 63); got != want {
			t.Errorf("absolute value of operand %d is %x, want %x", i, got, want)
		}
	}
}

// TestEndlessGuestsAreValid compiles what a bare engine cannot run to an end.
func TestEndlessGuestsAreValid(t *testing.T) {
	ctx := context.Background()
	r := wazero.NewRuntime(ctx)
	defer func() { _ = r.Close(ctx) }()
	for name, module := range map[string][]byte{
		"loop": Loop(), "flood": Flood(1), "grow table": GrowTable(), "fill table": FillTable(),
		"grow": GrowForEver(), "recursion": Recurse(), "call tree": CallTree(60),
		"fill memory": FillMemory(16, -1),
	} {
		if _, err := r.CompileModule(ctx, module); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func run(t *testing.T, module []byte, stdin string) (out, errs string, err error) {
	t.Helper()
	ctx := context.Background()
	r := wazero.NewRuntimeWithConfig(ctx, wazero.NewRuntimeConfig().WithMemoryLimitPages(16))
	defer func() { _ = r.Close(ctx) }()
	wasi_snapshot_preview1.MustInstantiate(ctx, r)
	var stdout, stderr bytes.Buffer
	_, err = r.InstantiateWithConfig(ctx, module, wazero.NewModuleConfig().
		WithStdin(strings.NewReader(stdin)).WithStdout(&stdout).WithStderr(&stderr))
	return stdout.String(), stderr.String(), err
}
