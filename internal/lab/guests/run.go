package guests

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"
	"github.com/tetratelabs/wazero/sys"
)

// Guest is a compiled module that can be run many times.
type Guest struct {
	runtime wazero.Runtime
	module  wazero.CompiledModule
}

// Load compiles a module for this machine. It is closed with the test.
func Load(t testing.TB, path string) *Guest {
	t.Helper()
	ctx := context.Background()
	binary, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	g := &Guest{runtime: wazero.NewRuntime(ctx)}
	t.Cleanup(func() { g.runtime.Close(ctx) })
	wasi_snapshot_preview1.MustInstantiate(ctx, g.runtime)
	if g.module, err = g.runtime.CompileModule(ctx, binary); err != nil {
		t.Fatalf("compile %s: %v", path, err)
	}
	return g
}

// Run runs one task: stdin and args in, stdout out. The error of a guest that
// exits with another code than 0 has its stderr.
func (g *Guest) Run(stdin io.Reader, args ...string) ([]byte, error) {
	var stdout, stderr bytes.Buffer
	config := wazero.NewModuleConfig().WithName("").
		WithArgs(append([]string{"task"}, args...)...).
		WithStdin(stdin).WithStdout(&stdout).WithStderr(&stderr)
	ctx := context.Background()
	module, err := g.runtime.InstantiateModule(ctx, g.module, config)
	if module != nil {
		module.Close(ctx)
	}
	var exit *sys.ExitError
	if err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 0) {
		return nil, fmt.Errorf("run guest: %w\n%s", err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}
