package guests

import (
	"os"
	"strings"
	"testing"
)

const echo = "github.com/anthill-grid/anthill/internal/lab/guests/testdata/echo"

func TestBuildAndRun(t *testing.T) {
	g := Load(t, Build(t, echo))
	for _, text := range []string{"hello", "", strings.Repeat("long ", 100_000)} {
		got, err := g.Run(strings.NewReader(text), "-n", "x y")
		if want := "-n|x y|" + text; err != nil || string(got) != want {
			t.Errorf("echo of %d bytes: %d bytes, %v; want %d bytes", len(text), len(got), err, len(want))
		}
	}
	_, err := g.Run(strings.NewReader("in"), "fail")
	if err == nil || !strings.Contains(err.Error(), "told to fail") || !strings.Contains(err.Error(), "exit_code(3)") {
		t.Errorf("error %v; want the exit code and stderr", err)
	}
}

func TestBuildLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	if _, err := compile(echo); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("left in the temporary directory: %v, %v", left, err)
	}
}

func TestCompileError(t *testing.T) {
	_, err := compile("./testdata/none")
	if err == nil || !strings.Contains(err.Error(), "build guest ./testdata/none") {
		t.Errorf("error %v; want one that names the package", err)
	}
}
