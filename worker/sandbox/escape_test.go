package sandbox

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNothingLeaksThroughTheABI calls the host's functions one by one.
func TestNothingLeaksThroughTheABI(t *testing.T) {
	dir := t.TempDir()
	data := filepath.Join(dir, "a.txt")
	if err := os.WriteFile(data, []byte("data"), 0o666); err != nil {
		t.Fatal(err)
	}
	s, task := guestTask(t, "raw")
	task.Data = map[string]string{"a.txt": data}
	r := run(t, s, task)
	if !r.Succeeded() {
		t.Fatalf("raw = %v %q %s", r.Status, r.Reason, r.Stderr)
	}
	if len(r.Output) != 0 {
		t.Errorf("%d leaks: the guest %s", strings.Count(string(r.Output), "\n"), r.Output)
	}
	if content, err := os.ReadFile(data); err != nil || string(content) != "data" {
		t.Errorf("the host's file is now %q, %v", content, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("the host's directory has %d entries, %v", len(entries), err)
	}
}

// TestALinkInTheDataLeadsNowhere plays a worker that was led to name a link as a
// data file.
func TestALinkInTheDataLeadsNowhere(t *testing.T) {
	store, outside := t.TempDir(), filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(outside, []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(store, "link")
	if err := os.Symlink(outside, link); err != nil {
		t.Skip(err)
	}
	_, task := guestTask(t, "files")
	content, err := os.ReadFile(task.Module)
	if err != nil {
		t.Fatal(err)
	}
	task.Module = filepath.Join(store, "module")
	if err := os.WriteFile(task.Module, content, 0o600); err != nil {
		t.Fatal(err)
	}
	task.Data = map[string]string{"a.txt": link}
	s, err := NewSlot(Config{Command: []string{os.Args[0], "sandbox-child"}, CacheDir: sharedCache(), Readable: []string{store}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	walls, err := s.Walls(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(walls.String(), "landlock v") {
		t.Skip("no landlock here:", walls)
	}
	if r, err := s.Run(context.Background(), task); err == nil || !strings.Contains(err.Error(), "permission denied") || len(r.Output) != 0 {
		t.Errorf("Run = %v, output %q, %v; want that reading is denied", r.Status, r.Output, err)
	}
}
