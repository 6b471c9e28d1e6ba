package sdk

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
)

// TestScratchIsNotInMemory also looks that nothing of dead processes stays for good,
// and that nothing of live ones goes.
func TestScratchIsNotInMemory(t *testing.T) {
	t.Setenv("TMPDIR", "")
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, t.TempDir())
	}
	live, err := newScratch("get")
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Dir(live.dir)
	if cache, err := cacheRoot(); err != nil || root != cache || root == os.TempDir() {
		t.Errorf("it is in %s, %v", root, err)
	}
	dead, strange := filepath.Join(root, "anthill-put-1"), filepath.Join(root, "other")
	for _, dir := range []string{dead, strange} {
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	again := func(want int) {
		t.Helper()
		s, err := newScratch("get")
		if err != nil {
			t.Fatal(err)
		}
		if err := s.remove(); err != nil {
			t.Error(err)
		}
		if left, err := os.ReadDir(root); err != nil || len(left) != want {
			t.Errorf("%d are left, %v, want %d", len(left), err, want)
		}
	}
	again(3) // the dead one is too young
	old := time.Now().Add(-2 * scratchAge)
	for _, dir := range []string{live.dir, dead, strange} {
		if err := os.Chtimes(dir, old, old); err != nil {
			t.Fatal(err)
		}
	}
	again(2)
	if err := live.remove(); err != nil {
		t.Error(err)
	}
	again(1)
}

// TestScratchWithoutACacheDirectory has the room where temporary files are, and says
// which variable is wrong if there is none.
func TestScratchWithoutACacheDirectory(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("other variables")
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TMPDIR", "")
	t.Setenv("XDG_CACHE_HOME", file)
	t.Setenv("HOME", file)
	s, err := newScratch("put")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.remove(); err != nil || filepath.Dir(s.dir) != os.TempDir() {
		t.Errorf("it was %s, %v", s.dir, err)
	}
	for _, dir := range []string{file, filepath.Join(file, "below"), "/nonexistent"} {
		t.Setenv("TMPDIR", dir)
		if _, err := newScratch("put"); !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), "TMPDIR is "+dir+": ") {
			t.Errorf("TMPDIR=%s: %v", dir, err)
		}
	}
}
