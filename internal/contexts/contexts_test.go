package contexts_test

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/contexts"
	"github.com/anthill-grid/anthill/internal/problem"
)

// home makes an empty home for contexts and forgets what the tester uses.
func home(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("ANTHILL_HOME", dir)
	t.Setenv("ANTHILL_GRID", "")
	return dir
}

func addContext(t *testing.T, dir string) string {
	t.Helper()
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "grid.json"), []byte("{}"), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func TestResolveOrder(t *testing.T) {
	root := home(t)
	dev := addContext(t, filepath.Join(root, "dev"))
	lab := addContext(t, filepath.Join(root, "lab"))
	elsewhere := addContext(t, filepath.Join(t.TempDir(), "data"))
	if err := contexts.Use("dev"); err != nil {
		t.Fatal(err)
	}
	expect := func(grid, want string) {
		t.Helper()
		got, err := contexts.Resolve(grid)
		if err != nil || got != want {
			t.Errorf("resolve %q: got %q, %v; want %q", grid, got, err, want)
		}
	}
	expect("", dev)
	expect("lab", lab)
	expect(elsewhere, elsewhere)
	t.Setenv("ANTHILL_GRID", "lab")
	expect("", lab)
	expect("dev", dev)
}

func TestResolveUnknown(t *testing.T) {
	root := home(t)
	_, err := contexts.Resolve("")
	if !errors.Is(err, problem.ErrNotFound) || !strings.Contains(problem.Next(err), "anthill dev") {
		t.Errorf("with no context: %v, next %q", err, problem.Next(err))
	}
	addContext(t, filepath.Join(root, "dev"))
	_, err = contexts.Resolve("nosuch")
	if !errors.Is(err, problem.ErrNotFound) || problem.Next(err) != "known contexts: dev" {
		t.Errorf("unknown name: %v, next %q", err, problem.Next(err))
	}
	if err := contexts.Use("gone"); err != nil {
		t.Fatal(err)
	}
	if _, err = contexts.Resolve(""); !errors.Is(err, problem.ErrNotFound) {
		t.Errorf("current context without directory: %v", err)
	}
}

// A user without a home has grids all the same: by the paths of their directories.
func TestWithoutAHome(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("other variables")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	addContext(t, "operator")
	for _, home := range []map[string]string{
		{"HOME": "", "XDG_CONFIG_HOME": "", "ANTHILL_HOME": ""},
		{"HOME": file, "XDG_CONFIG_HOME": "", "ANTHILL_HOME": ""},
		{"HOME": "", "XDG_CONFIG_HOME": "relative", "ANTHILL_HOME": ""},
		{"ANTHILL_HOME": filepath.Join(file, "below")},
	} {
		for name, value := range home {
			t.Setenv(name, value)
		}
		if dir, err := contexts.Resolve("operator"); err != nil || filepath.Base(dir) != "operator" {
			t.Errorf("%v: by its path: %q, %v", home, dir, err)
		}
		_, made := contexts.Make("dev")
		for what, err := range map[string]error{"make": made, "use": contexts.Use("dev")} {
			if !errors.Is(err, problem.ErrInvalid) || !strings.Contains(problem.Next(err), "set ANTHILL_HOME") {
				t.Errorf("%v: %s: %v, next %q", home, what, err, problem.Next(err))
			}
		}
	}
}

func TestNamesIgnoresWhatIsNoContext(t *testing.T) {
	root := home(t)
	addContext(t, filepath.Join(root, "b"))
	addContext(t, filepath.Join(root, "a"))
	if err := os.Mkdir(filepath.Join(root, "empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := contexts.Use("a"); err != nil {
		t.Fatal(err)
	}
	names, err := contexts.Names()
	if err != nil || strings.Join(names, " ") != "a b" {
		t.Errorf("got %v, %v", names, err)
	}
}

func TestCheckName(t *testing.T) {
	for _, good := range []string{"dev", "my-grid_2.lab"} {
		if err := contexts.CheckName(good); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "..", ".hidden", "a/b", `a\b`, "current", "a b", strings.Repeat("x", 65)} {
		if err := contexts.CheckName(bad); !errors.Is(err, problem.ErrInvalid) {
			t.Errorf("name %q: got %v", bad, err)
		}
	}
}
