package gridtest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
)

// binary is the anthill command, built once for each test process. It is kept
// in memory, so that no file outlives the test that asked for it.
var binary = sync.OnceValues(build)

// build takes no other options than go vet does, to share its build cache, and
// leaves the race detector out, which would slow a grid down several times.
func build() ([]byte, error) {
	dir, err := os.MkdirTemp("", "gridtest")
	if err != nil {
		return nil, fmt.Errorf("build anthill: %w", err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, exeName())
	cmd := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", path, "github.com/anthill-grid/anthill")
	if text, err := cmd.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("build anthill: %w\n%s", err, text)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("build anthill: %w", err)
	}
	return data, nil
}

// install writes the binary into a directory. Nothing may fork meanwhile: a
// child would hold the file open for writing for a moment, and nobody can run
// it then.
func install(t testing.TB, dir string) string {
	t.Helper()
	data, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, exeName())
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	if err := os.WriteFile(path, data, 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

func exeName() string {
	if runtime.GOOS == "windows" {
		return "anthill.exe"
	}
	return "anthill"
}

// Binary is the path of the anthill command, for the time of the test.
func Binary(t testing.TB) string { return install(t, t.TempDir()) }
