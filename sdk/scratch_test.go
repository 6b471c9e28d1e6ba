package sdk

import (
	"os"
	"path/filepath"
	"testing"
	"time"
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
	if root != cacheRoot() || root == os.TempDir() {
		t.Errorf("it is in %s", root)
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
