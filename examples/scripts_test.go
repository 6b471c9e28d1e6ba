package examples

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/guests"
)

// TestExamplesInScripts runs the examples in Python and JavaScript on one grid.
func TestExamplesInScripts(t *testing.T) {
	t.Parallel()
	g := gridtest.Start(t, gridtest.Config{Coordinators: 1, Workers: gridtest.Friends("one", "two")})
	t.Run("js", func(t *testing.T) { t.Parallel(); testJS(t, g) })
	t.Run("python", func(t *testing.T) { t.Parallel(); testPython(t, g) })
}

func testJS(t *testing.T, g *gridtest.Grid) {
	module := filepath.Join(t.TempDir(), "js.wasm")
	if said, err := exec.Command("make", "-s", "-C", "..", "runtime-js", "JS="+module).CombinedOutput(); err != nil {
		t.Fatalf("make runtime-js: %v\n%s", err, said)
	}
	if code, _, said := g.Run(t, "runtime", "add", "js", module); code != 0 {
		t.Fatalf("runtime add exits with %d: %s", code, said)
	}
	code, out, said := g.Run(t, "run", "--js", "js/primes.js", "--range", "0:1000000:200000")
	sum := 0
	for line := range strings.Lines(out) {
		var lo, hi, primes int
		if _, err := fmt.Sscan(line, &lo, &hi, &primes); err != nil {
			t.Errorf("%q: %v", line, err)
		}
		sum += primes
	}
	if code != 0 || sum != 78498 {
		t.Errorf("exit code %d, %d primes, want 78498\n%s\n%s", code, sum, out, said)
	}
}

func testPython(t *testing.T, g *gridtest.Grid) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3")
	}
	if code, _, said := g.Run(t, "runtime", "add", "python", guests.Python(t)); code != 0 {
		t.Fatalf("runtime add exits with %d: %s", code, said)
	}
	dir := t.TempDir()
	for _, example := range []struct {
		args []string
		want string
	}{
		{[]string{"pi/pi.py"}, "3.141582\n"},
		{[]string{"sweep/sweep.py", "--steps", "4", "-o", dir}, "16 epidemics; at worst 28.5% of all people are infectious at a time, on day 33"},
	} {
		cmd := exec.CommandContext(t.Context(), python, append([]string{"-B"}, example.args...)...)
		source, err := filepath.Abs("../sdk/python/src")
		if err != nil {
			t.Fatal(err)
		}
		cmd.Env = append(os.Environ(), "PYTHONPATH="+source, "ANTHILL_GRID="+g.Context(), "ANTHILL_BINARY="+g.Exe)
		var out, said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &said
		if err := cmd.Run(); err != nil || !strings.HasPrefix(out.String(), example.want) {
			t.Errorf("%s: %v; it printed %q, want %q\n%s", example.args[0], err, out.String(), example.want, said.Bytes())
		}
	}
	table, err := os.ReadFile(filepath.Join(dir, "outcomes.csv"))
	if lines := strings.Count(string(table), "\n"); err != nil || lines != 17 {
		t.Errorf("the table has %d lines, %v", lines, err)
	}
	picture, err := os.ReadFile(filepath.Join(dir, "outcomes.svg"))
	if err != nil || strings.Count(string(picture), "<title>") != 16 {
		t.Errorf("the picture: %v\n%.300s", err, picture)
	}
}
