package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/steady"
)

// meddling is a context that writes to a file whenever it is asked whether it has ended,
// which is before each piece of a file is read.
type meddling struct {
	context.Context
	t    *testing.T
	path string
}

func (m meddling) Err() error {
	f, err := os.OpenFile(m.path, os.O_WRONLY, 0)
	if err == nil {
		_, err = f.WriteAt([]byte{0}, 0)
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		m.t.Error(err)
	}
	return m.Context.Err()
}

func expectChanged(t *testing.T, what, name string, err error) {
	t.Helper()
	if !errors.Is(err, ErrInvalid) || !strings.Contains(fmt.Sprint(err), name+" changed while it was read") || NextStep(err) == "" {
		t.Errorf("%s: got %v, want that %s changed", what, err, name)
	}
}

// What is torn is no input: each way in which a job reads files.
func TestAJobOfAFileThatChangesIsRefused(t *testing.T) {
	for what, job := range map[string]string{
		"t.wasm": head + "input: {items: [1]}",
		"a.txt":  head + "input: {files: ['*.txt']}",
		"b.txt":  head + "input: {files: ['*.txt'], pack: 1KiB}",
		"words":  head + "input: {split: {file: a.txt, lines: 1}}\ndata: {x: words}",
		"stop":   head + "input: {split: {file: stop, lines: 1}}",
		"large":  head + "input: {split: {file: large, size: 1MiB}}",
	} {
		t.Run(what, func(t *testing.T) {
			dir := jobDir(t)
			holes(t, filepath.Join(dir, "large"), 20<<20)
			holes(t, filepath.Join(dir, "words"), 100)
			path := filepath.Join(dir, what)
			file, err := ParseJobFile(filepath.Join(dir, "job.yaml"), []byte(job))
			if err != nil {
				t.Fatal(err)
			}
			p, err := Prepare(meddling{t.Context(), t, path}, file)
			if err == nil {
				err = p.Close()
			}
			expectChanged(t, job, path, err)
		})
	}
}

func TestWhatChangesIsNeitherPutNorServed(t *testing.T) {
	grid := connect(t, fakegrid.Start(t, 1), 100*time.Millisecond)
	dir := jobDir(t)
	path := filepath.Join(dir, "a.txt")
	ctx := meddling{t.Context(), t, path}
	_, err := grid.Put(ctx, path, PutOptions{})
	expectChanged(t, "put a file", path, err)
	_, err = grid.Put(ctx, dir, PutOptions{})
	expectChanged(t, "put a directory", path, err)
	err = grid.ServeFile(ctx, path, func(string, int64) { t.Error("it is served") })
	expectChanged(t, "serve", path, err)
}

// TestADirectoryThatChangesIsNotPut changes something while the second of three files is
// read.
func TestADirectoryThatChangesIsNotPut(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(dir string) error
		named  string // what changed; "" if the archive is of a state that was there
	}{
		{"nothing", func(string) error { return nil }, ""},
		{"the file before", func(dir string) error { return os.WriteFile(dir+"/a", []byte("n"), 0o600) }, "/a"},
		{"the file before, and its time", func(dir string) error { return os.Chtimes(dir+"/a", time.Unix(1, 0), time.Unix(1, 0)) }, "/a"},
		{"this file", func(dir string) error { return os.Truncate(dir+"/b", 600_000) }, "/b"},
		{"this file is emptied", func(dir string) error { return os.Truncate(dir+"/b", 0) }, "/b"},
		{"this file grows", func(dir string) error { return os.Truncate(dir+"/b", 2<<20) }, "/b"},
		{"this file is gone", func(dir string) error { return os.Remove(dir + "/b") }, "/b"},
		{"the file after", func(dir string) error { return os.WriteFile(dir+"/c/d", []byte("new"), 0o600) }, ""},
		{"the file after is gone", func(dir string) error { return os.Remove(dir + "/c/d") }, ""},
		{"the directory after is gone", func(dir string) error { return os.RemoveAll(dir + "/c") }, "/c"},
		{"a new file", func(dir string) error { return os.WriteFile(dir+"/new", nil, 0o600) }, ""},
		{"a new file before", func(dir string) error { return os.WriteFile(dir+"/0/new", nil, 0o600) }, "/0"},
		{"the file before is renamed", func(dir string) error { return os.Rename(dir+"/0/x", dir+"/0/y") }, "/0"},
		{"the link before", func(dir string) error { return errors.Join(os.Remove(dir+"/0/l"), os.Symlink("y", dir+"/0/l")) }, "/0"},
	} {
		dir := filepath.Join(t.TempDir(), "dir")
		err := errors.Join(os.MkdirAll(dir+"/0", 0o755), os.MkdirAll(dir+"/c", 0o755),
			os.WriteFile(dir+"/0/x", nil, 0o600), os.Symlink("x", dir+"/0/l"), os.WriteFile(dir+"/a", []byte("a"), 0o600),
			os.WriteFile(dir+"/b", make([]byte, 1<<20), 0o600), os.WriteFile(dir+"/c/d", []byte("d"), 0o600))
		if err != nil {
			t.Fatal(err)
		}
		in := archive(dir)
		if _, err := io.ReadFull(in, make([]byte, 500_000)); err != nil {
			t.Fatal(err)
		}
		if err := c.change(dir); err != nil {
			t.Fatal(err)
		}
		_, err = io.Copy(io.Discard, in)
		switch {
		case c.name == "a new file", c.named != "" && strings.Contains(c.name, "is gone"):
			// the directory itself, or what was in it
			if !errors.Is(err, steady.ErrChanged) || !strings.HasPrefix(err.Error(), dir) {
				t.Errorf("%s: %v", c.name, err)
			}
		case c.named != "":
			expectChanged(t, c.name, dir+c.named, err)
		case err != nil:
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestWhatCannotBePutIsNamed(t *testing.T) {
	t.Setenv("TMPDIR", t.TempDir())
	grid := connect(t, fakegrid.Start(t, 1), 100*time.Millisecond)
	dir := t.TempDir()
	for _, tree := range []string{"out", "dangling", "loop"} {
		if err := os.Mkdir(filepath.Join(dir, tree), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(os.Symlink("../secret", filepath.Join(dir, "out", "link")), os.Symlink("nowhere", filepath.Join(dir, "dangling", "link")),
		os.Symlink("link", filepath.Join(dir, "loop", "link"))); err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{
		"gone": "put: " + dir + "/gone: no such file", "out": "put: " + dir + "/out/link: it is a link that points out of the directory, to \"../secret\"",
		"dangling/link": "put: " + dir + "/dangling/link: it is a link to nowhere, which is not there", "loop/link": "it is a loop of links",
	} {
		_, err := grid.Put(t.Context(), filepath.Join(dir, path), PutOptions{})
		if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), want) || NextStep(err) == "" {
			t.Errorf("%s: got %v", path, err)
		}
	}
	if err := grid.ServeFile(t.Context(), dir, nil); !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "serve: "+dir+": it is a directory") {
		t.Errorf("serve a directory: %v", err)
	}
	expectNoTemporaries(t)
}
