// Package guests builds WASM guests in tests and runs them in a bare wazero
// runtime, without a grid around them.
package guests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"testing"
)

// modules holds what this process has built: import path -> func() ([]byte,
// error). In memory, so that no file outlives the test that asked for it.
var modules sync.Map

// Build compiles a guest, given by its import path, for wasip1 and returns the
// path of the module, which goes away with the test.
func Build(t testing.TB, pkg string) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "guest.wasm")
	if err := os.WriteFile(path, Module(t, pkg), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// Module is what Build makes, as bytes of the caller's own. Linking takes a second
// or more, so it is done once for each process.
func Module(t testing.TB, pkg string) []byte {
	t.Helper()
	build, _ := modules.LoadOrStore(pkg, sync.OnceValues(func() ([]byte, error) { return compile(pkg) }))
	module, err := build.(func() ([]byte, error))()
	if err != nil {
		t.Fatal(err)
	}
	return slices.Clone(module)
}

func compile(pkg string) ([]byte, error) {
	dir, err := os.MkdirTemp("", "guests")
	if err != nil {
		return nil, fmt.Errorf("build guest %s: %w", pkg, err)
	}
	defer os.RemoveAll(dir)
	out := filepath.Join(dir, "guest.wasm")
	// As in the Makefile: the same source makes the same module anywhere.
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", out, pkg)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build guest %s: %w\n%s", pkg, err, text)
	}
	module, err := os.ReadFile(out)
	if err != nil {
		return nil, fmt.Errorf("build guest %s: %w", pkg, err)
	}
	return module, nil
}
