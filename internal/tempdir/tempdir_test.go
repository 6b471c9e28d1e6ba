package tempdir

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/problem"
)

func TestMake(t *testing.T) {
	root := t.TempDir()
	for _, name := range []string{"TMPDIR", "TMP", "TEMP"} {
		t.Setenv(name, root)
	}
	dir, err := Make("put")
	if err != nil || filepath.Dir(dir) != root || !strings.HasPrefix(filepath.Base(dir), "anthill-put-") {
		t.Errorf("made %s, %v", dir, err)
	}
	other, err := In(dir, "get")
	if err != nil || filepath.Dir(other) != dir {
		t.Errorf("made %s, %v", other, err)
	}
}

func TestTheVariableIsNamed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("another variable")
	}
	root := t.TempDir()
	file, readOnly := filepath.Join(root, "file"), filepath.Join(root, "read-only")
	if err := errors.Join(os.WriteFile(file, nil, 0o600), os.Mkdir(readOnly, 0o500)); err != nil {
		t.Fatal(err)
	}
	for dir, want := range map[string]string{
		"/nonexistent": "no such file or directory",
		file:           "not a directory",
		readOnly:       "permission denied",
	} {
		if dir == readOnly && os.Geteuid() == 0 {
			continue // who may write everywhere
		}
		t.Setenv("TMPDIR", dir)
		_, err := Make("put")
		if !errors.Is(err, problem.ErrInvalid) || err.Error() != "make temporary directory: TMPDIR is "+dir+": "+want || problem.Next(err) == "" {
			t.Errorf("TMPDIR=%s: %v, want %s", dir, err, want)
		}
	}
	t.Setenv("TMPDIR", "")
	if err := explain(&os.PathError{Op: "mkdir", Path: "/tmp/anthill-x", Err: os.ErrPermission}); !strings.HasPrefix(err.Error(), "make temporary directory in /tmp: permission") ||
		!strings.Contains(problem.Next(err), "set TMPDIR") {
		t.Errorf("without TMPDIR: %v", err)
	}
}
