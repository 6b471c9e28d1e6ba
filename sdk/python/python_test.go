// Package python has the test of the Python package, which is in Python.
package python

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/guests"
)

// interpreter is this machine's Python.
func interpreter(t *testing.T) string {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	if err := exec.Command(python, "-c", "import sys; sys.exit(sys.version_info < (3, 9))").Run(); err != nil {
		t.Skip("no python3 of version 3.9 or later")
	}
	return python
}

// runTests runs those of the package's tests whose names match.
func runTests(t *testing.T, pattern string, env ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), interpreter(t), "-B", "-m", "unittest", "discover", "-p", pattern)
	cmd.Dir = "tests"
	source, err := filepath.Abs("src")
	if err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(append(os.Environ(), "PYTHONPATH="+source, "PYTHONDONTWRITEBYTECODE=1", "ANTHILL_GRID="), env...)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		t.Errorf("%v\n%s", err, said.Bytes())
	}
}

func TestWhatTravels(t *testing.T) {
	t.Parallel()
	runTests(t, "test_travel.py")
}

func TestWhatComesBack(t *testing.T) {
	t.Parallel()
	runTests(t, "test_results.py")
}

func TestOnAGrid(t *testing.T) {
	t.Parallel()
	interpreter(t)
	wasm := guests.Python(t)
	g := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: gridtest.Friends("one", "two")})
	sue := g.Join(t, "sue")
	if code, _, said := g.RunAs(t, sue, "runtime", "add", "python", wasm); code != 0 {
		t.Fatalf("runtime add exits with %d: %s", code, said)
	}
	runTests(t, "test_grid.py", "ANTHILL_GRID="+sue, "ANTHILL_BINARY="+g.Exe)
}
