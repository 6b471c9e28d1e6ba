package e2e

import (
	"bufio"
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// TestADatasetServesManyJobs puts a file, lets its submitter and a coordinator
// go, and runs two jobs on it.
func TestADatasetServesManyJobs(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno")})
	dir := t.TempDir()
	data := []byte(strings.Repeat("ants carry more than they weigh\n", 40_000))
	path := filepath.Join(dir, "corpus.txt")
	writeFile(t, path, data)
	writeFile(t, filepath.Join(dir, "echo.wasm"), handmade.Echo())
	id := must(t, grid, "put", path)
	if list := must(t, grid, "blobs"); !strings.Contains(list, id) || !strings.Contains(list, "corpus.txt") {
		t.Errorf("blobs lists\n%s", list)
	}
	if again := must(t, grid, "put", path); again != id {
		t.Errorf("put again it is %s, not %s", again, id)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	for name, size := range map[string]string{"whole": "2MiB", "parts": "100KiB"} {
		job := filepath.Join(dir, name+".yaml")
		writeFile(t, job, fmt.Appendf(nil, "name: %s\nbundle: echo.wasm\ninput: {split: {file: 'blob:%s', size: %s}}\ntrust: {replicas: 1}\n", name, id, size))
		out := filepath.Join(dir, name)
		must(t, grid, "submit", job, "-o", out)
		if got := results(t, out); got != string(data) {
			t.Errorf("%s: %d bytes of %d came back", name, len(got), len(data))
		}
	}
	must(t, grid, "blobs", "drop", id)
	if code, _, stderr := grid.Run(t, "blobs", "drop", id); code != 3 {
		t.Errorf("dropped twice: exit code %d, %s", code, stderr)
	}
	code, _, stderr := grid.Run(t, "submit", filepath.Join(dir, "whole.yaml"))
	if code != 3 || !strings.Contains(stderr, "anthill put") {
		t.Errorf("a job on a dropped dataset: exit code %d, %s", code, stderr)
	}
}

// TestPutIsKilled ends a put before the grid has the dataset, and repeats it. Then
// two owners run a job on it, the second without a copy of its own.
func TestPutIsKilled(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{Workers: gridtest.Friends("ada", "bruno")})
	sue, tom, dir := grid.Join(t, "sue"), grid.Join(t, "tom"), t.TempDir()
	path, job := filepath.Join(dir, "corpus.bin"), filepath.Join(dir, "job.yaml")
	writeFile(t, path, random(64<<20))
	writeFile(t, filepath.Join(dir, "echo.wasm"), handmade.Echo())
	id := killPut(t, grid, sue, path)
	writeFile(t, job, fmt.Appendf(nil, "name: on-it\nbundle: echo.wasm\ndata: {corpus: 'blob:%s'}\ninput: {items: [a, b, c]}\ntrust: {replicas: 1}\n", id))
	if list := mustAs(t, grid, sue, "blobs"); !strings.Contains(list, id) || !strings.Contains(list, "0 of 2") {
		t.Skipf("a coordinator had it before put could be killed:\n%s", list)
	}
	code, _, stderr := grid.RunAs(t, sue, "submit", job)
	if code != 1 || !strings.Contains(stderr, "of 2 copies so far") || !strings.Contains(stderr, "run anthill put again") {
		t.Errorf("a job on what is not there: exit code %d, %s", code, stderr)
	}
	if again := mustAs(t, grid, sue, "put", path); again != id {
		t.Errorf("put again it is %s, not %s", again, id)
	}
	if list := mustAs(t, grid, sue, "blobs"); !strings.Contains(list, "2 of 2") && !strings.Contains(list, "3 of 2") {
		t.Errorf("put has ended, and blobs lists\n%s", list)
	}
	if code, _, stderr := grid.RunAs(t, tom, "submit", job); code != 3 || strings.Contains(stderr, "sue") {
		t.Errorf("a job on another's dataset: exit code %d, %s", code, stderr)
	}
	mustAs(t, grid, sue, "dataset", "share", id, "--with", "tom")
	if list := mustAs(t, grid, tom, "blobs"); !strings.Contains(list, id) || strings.Contains(list, "sue") {
		t.Errorf("a dataset that is shared is not listed:\n%s", list)
	}
	for _, owner := range []string{sue, tom} {
		out := filepath.Join(t.TempDir(), "out")
		mustAs(t, grid, owner, "submit", job, "-o", out)
		if got := results(t, out); got != "a\nb\nc\n" {
			t.Errorf("the job gives %q", got)
		}
		if err := os.RemoveAll(path); err != nil {
			t.Fatal(err)
		}
	}
	mustAs(t, grid, sue, "dataset", "unshare", id, "--with", "tom")
	if list := mustAs(t, grid, tom, "blobs"); strings.Contains(list, id) {
		t.Errorf("another's dataset is listed:\n%s", list)
	}
}

// killPut ends a put by SIGKILL as soon as the grid knows of the dataset, and
// returns its id.
func killPut(t *testing.T, grid *gridtest.Grid, identity, path string) string {
	t.Helper()
	put := exec.Command(grid.Exe, "put", path)
	put.Env = append(os.Environ(), "ANTHILL_GRID="+identity, "TMPDIR="+t.TempDir()) // what it leaves behind
	stderr, err := put.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := put.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := "", error(nil)
	for from := bufio.NewReader(stderr); err == nil && (line == "" || strings.HasPrefix(line, "reading") || strings.HasPrefix(line, "hashing")); {
		line, err = from.ReadString('\n')
	}
	_ = put.Process.Kill() // or it has ended
	_ = put.Wait()
	id := regexp.MustCompile(`[0-9a-f]{64}`).FindString(line)
	if id == "" {
		t.Fatalf("put begins with %q, %v", line, err)
	}
	return id
}

// TestADirectoryIsPutAndFetched also loses a coordinator in between.
func TestADirectoryIsPutAndFetched(t *testing.T) {
	t.Parallel()
	grid := gridtest.Start(t, gridtest.Config{})
	tree := filepath.Join(t.TempDir(), "tree")
	large := make([]byte, 3<<20)
	rand.Read(large) // never fails
	if err := os.MkdirAll(filepath.Join(tree, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(tree, "deep", "large.bin"), large)
	writeFile(t, filepath.Join(tree, "small.txt"), []byte("small\n"))
	id := must(t, grid, "put", tree, "--name", "a tree")
	grid.KillAll(t, "c1")
	out := filepath.Join(t.TempDir(), "out")
	must(t, grid, "get", id, "-o", out+"/", "--patience", "20s")
	expectFile(t, filepath.Join(out, "deep", "large.bin"), large)
	expectFile(t, filepath.Join(out, "small.txt"), []byte("small\n"))
	if code, _, stderr := grid.Run(t, "get", id, "-o", out+"/"); code != 2 {
		t.Errorf("into a directory that is there: exit code %d, %s", code, stderr)
	}
	if code, _, stderr := grid.Run(t, "put", filepath.Join(tree, "nothing")); code != 2 {
		t.Errorf("a file that is not there: exit code %d, %s", code, stderr)
	}
}

// results are the outputs in a directory, one after the other.
func results(t *testing.T, dir string) string {
	t.Helper()
	parts, err := filepath.Glob(filepath.Join(dir, "task-*"))
	if err != nil {
		t.Fatal(err)
	}
	var all []byte
	for _, part := range parts {
		if filepath.Ext(part) == ".json" || strings.HasPrefix(filepath.Base(part), ".") {
			continue // what anthill notes beside them
		}
		text, err := os.ReadFile(part)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, text...)
	}
	return string(all)
}

// must runs a command that succeeds, and returns what it printed.
func must(t *testing.T, grid *gridtest.Grid, args ...string) string {
	t.Helper()
	return mustAs(t, grid, grid.Context(), args...)
}

func mustAs(t *testing.T, grid *gridtest.Grid, identity string, args ...string) string {
	t.Helper()
	code, stdout, stderr := grid.RunAs(t, identity, args...)
	if code != 0 {
		t.Fatalf("anthill %s: exit code %d, %s", strings.Join(args, " "), code, stderr)
	}
	return strings.TrimSpace(stdout)
}

func writeFile(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}
