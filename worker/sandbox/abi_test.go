package sandbox

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestGoGuestWithTheSDK(t *testing.T) {
	s, task := guestTask(t, "echo")
	task.Stdin = bytes.Repeat([]byte{0, 1, 2, 250}, 50_000)
	if r := run(t, s, task); !r.Succeeded() || !bytes.Equal(r.Output, task.Stdin) {
		t.Errorf("echo = %v %q, %d bytes; want all %d", r.Status, r.Stderr, len(r.Output), len(task.Stdin))
	}
	task.Args = []string{"fail"}
	if r := run(t, s, task); r.Status != Exited || r.ExitCode != 1 || string(r.Stderr) != "task failed: no such row\n" {
		t.Errorf("fail = %v, code %d, %q", r.Status, r.ExitCode, r.Stderr)
	}
}

func TestTheWorldFollowsFromTheTask(t *testing.T) {
	t.Setenv("ANTHILL_SECRET", "hunter2")
	s, task := guestTask(t, "world", "two words", "")
	task.Env = []string{"LANG=C", "EMPTY=", "LANG=de"}
	first := run(t, s, task)
	text := string(first.Output)
	for _, want := range []string{
		`args ["task" "world" "two words" ""]`, `env ["LANG=de" "EMPTY="]`, "time 2022-01-01 ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the guest saw\n%swithout %q", text, want)
		}
	}
	if strings.Contains(text, "hunter2") {
		t.Error("the guest saw the worker's environment")
	}

	if again := run(t, s, task); string(again.Output) != text {
		t.Errorf("the same task saw\n%sand then\n%s", text, again.Output)
	}
	elsewhere := newSlotIn(t, sharedCache())
	if again := run(t, elsewhere, task); string(again.Output) != text {
		t.Errorf("another child saw\n%sinstead of\n%s", again.Output, text)
	}
	task.Seed[0]++
	if other := run(t, s, task); string(other.Output) == text {
		t.Error("another seed gave the same random bytes")
	}
}

func TestDataFiles(t *testing.T) {
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	s, task := guestTask(t, "files")
	if r := run(t, s, task); !r.Succeeded() || len(r.Output) != 0 {
		t.Errorf("no data files: %v %q, listed %q", r.Status, r.Stderr, r.Output)
	}
	task.Data = map[string]string{
		"b.bin": write("1", "\x00\x01"), "a.txt": write("2", "hello"), "empty": write("3", ""),
	}
	want := `a.txt 5 -r--r--r-- 1970-01-01 00:00:00 +0000 UTC "hello"
b.bin 2 -r--r--r-- 1970-01-01 00:00:00 +0000 UTC "\x00\x01"
empty 0 -r--r--r-- 1970-01-01 00:00:00 +0000 UTC ""
`
	// wasip1 has no permission bits: whatever they are, they must not vary.
	r := run(t, s, task)
	if got := dropModes(string(r.Output)); got != dropModes(want) {
		t.Errorf("files = %v\n%s%s\nwant\n%s", r.Status, got, r.Stderr, dropModes(want))
	}
}

func dropModes(text string) string {
	var out []string
	for line := range strings.Lines(text) {
		fields := strings.SplitN(line, " ", 4)
		out = append(out, fields[0]+" "+fields[1]+" "+fields[len(fields)-1])
	}
	return strings.Join(out, "")
}

func TestNothingOfTheHostIsInReach(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "a.txt")
	if err := os.WriteFile(secret, []byte("data"), 0o666); err != nil {
		t.Fatal(err)
	}
	s, task := guestTask(t, "escape",
		"/etc/passwd", "/data/../etc/passwd", "/data/../../../../../../etc/passwd", "../etc/passwd",
		"/data/./../data/../etc/passwd", "/data//etc/passwd", "/data/a.txt/../../etc/passwd",
		"/", "..", "/data/..", "/proc/self/environ", "/dev/null", secret, "")
	task.Data = map[string]string{"a.txt": secret}
	r := run(t, s, task)
	if !r.Succeeded() {
		t.Fatalf("escape = %v %q %s", r.Status, r.Reason, r.Stderr)
	}
	if len(r.Output) != 0 {
		t.Errorf("the guest %s", r.Output)
	}
	if content, err := os.ReadFile(secret); err != nil || string(content) != "data" {
		t.Errorf("the host's file is now %q, %v", content, err)
	}
}

func TestTheEndOfTheLogIsKept(t *testing.T) {
	s, task := guestTask(t, "log")
	r := run(t, s, task)
	if len(r.Stderr) != stderrKept || !strings.HasSuffix(string(r.Stderr), "line 7998\nline 7999\n") {
		t.Errorf("kept %d bytes ending in %q; want %d", len(r.Stderr), r.Stderr[max(0, len(r.Stderr)-40):], stderrKept)
	}
}

func TestAGuestThatRunsOutOfMemoryEndsByItself(t *testing.T) {
	s, task := guestTask(t, "alloc")
	task.Memory = 64 << 20
	r := run(t, s, task)
	if r.Status != Exited || r.ExitCode != 2 || !strings.Contains(string(r.Stderr), "goroutine") {
		t.Errorf("alloc = %v (%s), code %d, log %.200q", r.Status, r.Reason, r.ExitCode, r.Stderr)
	}
}

// TestOpenFilesAreBounded by what is the same everywhere, and not by what the
// system lets the child have. The directory itself counts as one.
func TestOpenFilesAreBounded(t *testing.T) {
	s, task := guestTask(t, "hoard")
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	task.Data = map[string]string{"file": path}
	r := run(t, s, task)
	wantStatus(t, r, Exited, "")
	if want := "255: open /data/file: I/O error\n"; r.ExitCode != 0 || string(r.Output) != want {
		t.Errorf("exited with %d: %q; want %q", r.ExitCode, r.Output, want)
	}
}
