package trial

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

// codeFiles are the files of native code in a cache.
func codeFiles(t *testing.T, cache string) map[string]os.FileInfo {
	t.Helper()
	files := map[string]os.FileInfo{}
	err := filepath.WalkDir(cache, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.Contains(path, "wazero-") {
			return err
		}
		files[path], err = d.Info()
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// TestTheNextTrialCompilesNothing of an unchanged module, and something of a changed one.
func TestTheNextTrialCompilesNothing(t *testing.T) {
	cfg := Config{Command: []string{os.Args[0], "sandbox-child"}, Cache: filepath.Join(t.TempDir(), "cache"), SkipInterpreter: true}
	try := func(task sandbox.Task) map[string]os.FileInfo {
		t.Helper()
		if r, err := Do(t.Context(), cfg, task); err != nil || !r.Passed() {
			t.Fatalf("%+v, %v", r, err)
		}
		return codeFiles(t, cfg.Cache)
	}
	task := newTask(t, handmade.Echo())
	first := try(task)
	if len(first) != 1 {
		t.Fatalf("kept %d files of code, want 1", len(first))
	}
	for path, after := range try(task) {
		if before := first[path]; before == nil || !os.SameFile(before, after) || !before.ModTime().Equal(after.ModTime()) {
			t.Errorf("%s was made again", path)
		}
	}
	if both := try(newTask(t, handmade.Print(1, "other"))); len(both) != 2 {
		t.Errorf("kept %d files of code, want 2", len(both))
	}
}

// TestWhatIsCompiledIsWhatWasHashed, though the file was built anew meanwhile: kept by the
// other's hash, it would be run in its place for ever.
func TestWhatIsCompiledIsWhatWasHashed(t *testing.T) {
	module := handmade.Echo()
	task := newTask(t, module)
	if err := os.WriteFile(task.Module, handmade.Exit(3), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := Config{Command: []string{os.Args[0], "sandbox-child"}, Module: module, Cache: filepath.Join(t.TempDir(), "cache")}
	if r, err := Do(t.Context(), cfg, task); err != nil || !r.Passed() || string(r.First().Output) != "shard" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestUserCacheIsTheUsersAlone(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("the cache directory lies elsewhere")
	}
	root := filepath.Join(t.TempDir(), "cache")
	t.Setenv("XDG_CACHE_HOME", root)
	dir, err := UserCache()
	if err != nil || dir != filepath.Join(root, "anthill", "compiled") {
		t.Fatalf("%q, %v", dir, err)
	}
	for _, part := range []string{root, filepath.Dir(dir), dir} {
		if info, err := os.Stat(part); err != nil || info.Mode().Perm() != 0o700 {
			t.Errorf("%s: %v, %v", part, info.Mode(), err)
		}
		for _, mode := range []fs.FileMode{0o770, 0o707} {
			if err := os.Chmod(part, mode); err != nil {
				t.Fatal(err)
			}
			if got, err := UserCache(); err == nil || !strings.Contains(err.Error(), part+" can be written by other users") {
				t.Errorf("with mode %v of %s: %q, %v", mode, part, got, err)
			}
		}
		if err := os.Chmod(part, 0o700); err != nil {
			t.Fatal(err)
		}
	}
}

// TestUserCacheOfAnotherUser is what root finds that kept somebody's environment.
func TestUserCacheOfAnotherUser(t *testing.T) {
	if runtime.GOOS != "linux" || os.Geteuid() != 0 {
		t.Skip("only root can give a directory away")
	}
	for _, part := range []string{"", "anthill", "anthill/compiled"} {
		root := filepath.Join(t.TempDir(), "cache")
		t.Setenv("XDG_CACHE_HOME", root)
		if _, err := UserCache(); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(filepath.Join(root, part), 65534, 65534); err != nil {
			t.Fatal(err)
		}
		if dir, err := UserCache(); err == nil {
			t.Errorf("%s is another's, and %s is used", part, dir)
		}
	}
}

func TestWithoutACacheDirectory(t *testing.T) {
	for _, name := range []string{"XDG_CACHE_HOME", "HOME", "LocalAppData"} {
		t.Setenv(name, "")
	}
	if dir, err := UserCache(); err == nil {
		t.Errorf("made %s", dir)
	}
}
