//go:build unix

package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

func mkfifo(t *testing.T, path string) string {
	t.Helper()
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestWhatIsNoFileIsWrittenThrough(t *testing.T) {
	dir := t.TempDir()
	link := func(name, to string) string {
		path := filepath.Join(dir, name)
		if err := os.Symlink(to, path); err != nil {
			t.Fatal(err)
		}
		return path
	}
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]bool{
		file: false, filepath.Join(dir, "missing"): false, link("dangling", "nowhere"): false, link("tofile", file): false,
		os.DevNull: true, link("tonull", os.DevNull): true, mkfifo(t, filepath.Join(dir, "pipe")): true, link("topipe", "pipe"): true,
		"/dev/stdout": true,
	} {
		got, err := writtenThrough(path)
		if got != want || err != nil {
			t.Errorf("%s: %v, %v; want %v", path, got, err, want)
		}
	}
}

func TestOutputGoesThroughAPipe(t *testing.T) {
	pipe := mkfifo(t, filepath.Join(t.TempDir(), "pipe"))
	data := bytes.Repeat([]byte("0123456789"), 50_000) // more than a pipe holds
	got := make(chan []byte)
	go func() {
		time.Sleep(50 * time.Millisecond) // the writer comes first
		r, err := os.Open(pipe)
		if err != nil {
			t.Error(err)
		}
		read, _ := io.ReadAll(r)
		got <- read
	}()
	var said bytes.Buffer
	if err := writeOutputFile(t.Context(), pipe, data, &said); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(<-got, data) {
		t.Error("other bytes came through")
	}
	expectMatch(t, said.String(), "waiting until somebody reads .*pipe")
	if info, err := os.Lstat(pipe); err != nil || info.Mode()&os.ModeNamedPipe == 0 {
		t.Errorf("it is a pipe no more: %v, %v", info, err)
	}
}

// Neither a pipe that nobody opens nor one that nobody empties takes away Ctrl-C.
func TestAPipeDoesNotHoldUpAnInterrupt(t *testing.T) {
	for name, reads := range map[string]bool{"nobody opens it": false, "nobody empties it": true} {
		pipe := mkfifo(t, filepath.Join(t.TempDir(), "pipe"))
		if reads {
			r, err := os.OpenFile(pipe, os.O_RDONLY|syscall.O_NONBLOCK, 0)
			if err != nil {
				t.Fatal(err)
			}
			defer r.Close()
		}
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		ended := make(chan error, 1)
		go func() { ended <- writeOutputFile(ctx, pipe, make([]byte, 1<<20), io.Discard) }()
		select {
		case err := <-ended:
			if !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("%s: %v", name, err)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("%s: it hangs", name)
		}
		cancel()
	}
}

// TestAPipeAmongResultsIsRefused: opening it would block for ever.
func TestAPipeAmongResultsIsRefused(t *testing.T) {
	fake := start(t, jobs.Submitter)
	finishedWith(t, fake, "j", "r0")
	dir := t.TempDir()
	expect(t, 0, "results", "j", "-o", dir)
	path := filepath.Join(dir, "task-000000.out")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	mkfifo(t, path)
	_, stderr := expect(t, 2, "results", "j", "-o", dir)
	expectMatch(t, stderr, `task-000000.out is in the way: it is not a file`)
}
