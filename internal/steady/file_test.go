package steady

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
)

const content = "0123456789"

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// changes are ways in which a file can change while somebody reads it.
var changes = map[string]func(t *testing.T, path string){
	"written in place": func(t *testing.T, path string) { write(t, path, "9876543210") },
	"the same again":   func(t *testing.T, path string) { write(t, path, content) },
	"truncated":        func(t *testing.T, path string) { check(t, os.Truncate(path, 3)) },
	"emptied":          func(t *testing.T, path string) { check(t, os.Truncate(path, 0)) },
	"touched":          func(t *testing.T, path string) { check(t, os.Chtimes(path, time.Now(), time.Now())) },
	"its mode":         func(t *testing.T, path string) { check(t, os.Chmod(path, 0o640)) },
	"removed":          func(t *testing.T, path string) { check(t, os.Remove(path)) },
	"appended": func(t *testing.T, path string) {
		f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
		check(t, err)
		_, err = f.WriteString("more")
		check(t, errors.Join(err, f.Close()))
	},
	"replaced": func(t *testing.T, path string) {
		write(t, path+".new", content)
		check(t, os.Rename(path+".new", path))
	},
	"removed and written anew": func(t *testing.T, path string) {
		check(t, os.Remove(path))
		write(t, path, content)
	},
	"set back": func(t *testing.T, path string) {
		info, err := os.Stat(path)
		check(t, err)
		write(t, path, "9876543210")
		check(t, os.Chtimes(path, info.ModTime(), info.ModTime()))
	},
}

func TestChangesWhileAFileIsRead(t *testing.T) {
	for name, change := range changes {
		for _, when := range []int{0, 5, len(content)} { // bytes that were read before
			path := filepath.Join(t.TempDir(), "f.txt")
			write(t, path, content)
			in, err := Open(path)
			check(t, err)
			if _, err := io.ReadFull(in, make([]byte, when)); err != nil {
				t.Fatal(err)
			}
			change(t, path)
			_, err = io.ReadAll(in)
			check(t, in.Close())
			if !errors.Is(err, ErrChanged) || !errors.Is(err, problem.ErrInvalid) || err.Error() != path+" changed while it was read" || problem.Next(err) == "" {
				t.Errorf("%s, after %d bytes: %v", name, when, err)
			}
		}
	}
}

func TestChangesBeforeFinish(t *testing.T) {
	for name, change := range changes {
		path := filepath.Join(t.TempDir(), "f.txt")
		write(t, path, content)
		in, err := Open(path)
		check(t, err)
		if _, err := io.CopyN(io.Discard, in, in.Size()); err != nil {
			t.Fatal(err)
		}
		change(t, path)
		if err := in.Finish(); !errors.Is(err, ErrChanged) {
			t.Errorf("%s: %v", name, err)
		}
		check(t, in.Close())
	}
}

// TestChangesWithinOneTickOfTheClock writes a file just before and just after it is
// opened, which may give it the same time twice.
func TestChangesWithinOneTickOfTheClock(t *testing.T) {
	for range 50 {
		path := filepath.Join(t.TempDir(), "f.txt")
		write(t, path, content)
		in, err := Open(path)
		check(t, err)
		write(t, path, "9876543210")
		if _, err := io.ReadAll(in); !errors.Is(err, ErrChanged) {
			t.Fatalf("got %v", err)
		}
		check(t, in.Close())
	}
}

func TestAFileThatIsWrittenAllTheTimeDoesNotSettle(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.txt")
	looks := 0
	_, err := settle(path, func() (fs.FileInfo, error) {
		looks++
		write(t, path, content)
		return os.Stat(path)
	})
	if !errors.Is(err, ErrChanged) || looks != tries {
		t.Errorf("after %d looks: %v", looks, err)
	}
}

func TestWhatDoesNotChangeIsReadWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f.txt")
	for _, text := range []string{content, ""} {
		write(t, path, text)
		in, err := Open(path)
		check(t, err)
		write(t, path+".other", "a neighbour")
		if got, err := io.ReadAll(in); err != nil || string(got) != text || in.Size() != int64(len(text)) {
			t.Errorf("got %q, %v", got, err)
		}
		check(t, errors.Join(in.Finish(), in.Close()))
	}
	if in, err := Open("/proc/self/limits"); err == nil { // which says that it has no bytes
		if got, err := io.ReadAll(in); err != nil || len(got) == 0 {
			t.Errorf("%d bytes of /proc, %v", len(got), err)
		}
		check(t, in.Close())
	}
}

func TestUnsettled(t *testing.T) {
	now := time.Unix(1000, 500e6)
	for _, c := range []struct{ ago, want time.Duration }{
		{0, tick}, {5 * time.Millisecond, tick - 5*time.Millisecond}, {tick, 0}, {-time.Hour, 0},
		{500 * time.Millisecond, coarseTick - 500*time.Millisecond}, // a whole second
		{2500 * time.Millisecond, 0},
	} {
		if got := unsettled(now.Add(-c.ago), now); max(got, 0) != c.want {
			t.Errorf("%v ago: wait %v, want %v", c.ago, got, c.want)
		}
	}
}

func TestWhatIsNoFileIsNamed(t *testing.T) {
	dir := t.TempDir()
	check(t, os.Symlink("nowhere", filepath.Join(dir, "dangling")))
	check(t, os.Symlink("loop", filepath.Join(dir, "loop")))
	check(t, os.Symlink(dir, filepath.Join(dir, "linked")))
	for name, want := range map[string]string{
		"gone": "gone: no such file", ".": ": it is a directory", "linked": "linked: it is a directory",
		"dangling": "dangling: it is a link to nowhere, which is not there", "loop": "loop: it is a loop of links",
	} {
		_, err := Open(filepath.Join(dir, name))
		if !errors.Is(err, problem.ErrInvalid) || !strings.Contains(err.Error(), want) || problem.Next(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}
