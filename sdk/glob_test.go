package sdk

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// tree makes files with the given paths under a directory whose name has glob
// characters, and a job file beside them.
func tree(t *testing.T, paths ...string) (*JobFile, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "we[ird] {x}")
	for _, path := range paths {
		full := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(path+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return &JobFile{Path: filepath.Join(dir, "job", "job.yaml")}, dir
}

func TestExpand(t *testing.T) {
	file, dir := tree(t, "job/b.txt", "job/a.txt", "job/sub/c.txt", "job/sub/deep/d.txt", "job/sub/e.md", "up.txt")
	tests := []struct {
		patterns string
		want     string
	}{
		{"*.txt", "job/a.txt job/b.txt"},
		{"**/*.txt", "job/a.txt job/b.txt job/sub/c.txt job/sub/deep/d.txt"},
		{"sub/** *.txt", "job/a.txt job/b.txt job/sub/c.txt job/sub/deep/d.txt job/sub/e.md"},
		{"b.txt *.txt ./b.txt", "job/a.txt job/b.txt"},
		{"../*.txt", "up.txt"},
		{"sub/{c,e}.*", "job/sub/c.txt job/sub/e.md"},
	}
	for _, tt := range tests {
		paths, err := file.expand(strings.Fields(tt.patterns))
		if err != nil {
			t.Errorf("%s: %v", tt.patterns, err)
			continue
		}
		for i, path := range paths {
			rel, err := filepath.Rel(dir, path)
			if err != nil {
				t.Fatal(err)
			}
			paths[i] = filepath.ToSlash(rel)
		}
		if got := strings.Join(paths, " "); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.patterns, got, tt.want)
		}
	}
}

func TestExpandErrors(t *testing.T) {
	file, dir := tree(t, "job/sub/c.txt")
	tests := []struct{ pattern, want, next string }{
		{"*.csv", `no file matches "*.csv"`, "looked in " + filepath.Join(dir, "job")},
		{"nowhere/x.txt", `no file matches "nowhere/x.txt"`, "relative to the job file"},
		{"sub", `no file matches "sub"`, `"sub/**"`},
		{"a[", `pattern "a[" is malformed`, "brackets"},
	}
	for _, tt := range tests {
		_, err := file.expand([]string{tt.pattern})
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "input.files: "+tt.want) {
			t.Errorf("%s: got %v", tt.pattern, err)
		}
		if !strings.Contains(NextStep(err), tt.next) {
			t.Errorf("%s: next step is %q", tt.pattern, NextStep(err))
		}
	}
}

func TestExpandFollowsLinkedFilesButNoLoops(t *testing.T) {
	file, dir := tree(t, "job/sub/c.txt")
	if err := os.Symlink("..", filepath.Join(dir, "job", "sub", "loop")); err != nil {
		t.Skip(err)
	}
	if err := os.Symlink("c.txt", filepath.Join(dir, "job", "sub", "link.txt")); err != nil {
		t.Fatal(err)
	}
	paths, err := file.expand([]string{"**/*.txt"})
	if err != nil || len(paths) != 2 {
		t.Errorf("got %v, %v; want c.txt and link.txt", paths, err)
	}
}
