package sdk

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/lab/handmade"
	"github.com/anthill-grid/anthill/jobs"
)

// tinyModule is the least that is a WASI command: a memory and an empty _start.
var tinyModule = []byte("\x00asm\x01\x00\x00\x00" +
	"\x01\x04\x01\x60\x00\x00" + // type: () -> ()
	"\x03\x02\x01\x00" + // one function of it
	"\x05\x03\x01\x00\x01" + // one memory of one page
	"\x07\x13\x02\x06memory\x02\x00\x06_start\x00\x00" +
	"\x0a\x04\x01\x02\x00\x0b") // its body: end

// jobDir is a directory with a module and some input files.
func jobDir(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	files := map[string]string{
		"t.wasm": string(tinyModule), "a.txt": "one\ntwo", "b.txt": "three\n", "empty": "", "stop": "the\n",
		"untyped.wasm": string(handmade.Spec{Pages: 1, Code: []byte{0x42, 0, 0x45, 0x1a}}.Encode()), // i64.const, i32.eqz
		"not.wasm":     "#!/bin/sh\n", "component.wasm": "\x00asm\x0d\x00\x01\x00",
	}
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func prepareText(t testing.TB, dir, text string) (*Prepared, error) {
	t.Helper()
	file, err := ParseJobFile(filepath.Join(dir, "job.yaml"), []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	file.AllowOutside = true
	p, err := Prepare(context.Background(), file)
	if err == nil {
		t.Cleanup(func() {
			if err := p.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return p, err
}

// stored reads a blob of a prepared job.
func stored(t *testing.T, p *Prepared, ref blob.Ref) []byte {
	t.Helper()
	data, err := p.store.ReadRange(ref.ID, 0, ref.Size)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestPrepare(t *testing.T) {
	dir := jobDir(t)
	tests := []struct {
		input string
		tasks []string
	}{
		{"{files: ['*.txt']}", []string{"one\ntwo", "three\n"}},
		{"{files: ['*.txt'], pack: 1KiB}", []string{"one\ntwo\nthree\n"}},
		{"{split: {file: a.txt, lines: 1}}", []string{"one\n", "two"}},
		{"{items: [x, 1]}", []string{"x\n", "1\n"}},
	}
	for _, tt := range tests {
		p, err := prepareText(t, dir, head+"input: "+tt.input)
		if err != nil {
			t.Errorf("%s: %v", tt.input, err)
			continue
		}
		source := p.spec.Input.Blob
		data, index := stored(t, p, source.Blob), stored(t, p, *source.Index)
		var tasks []string
		for i := 0; i+16 <= len(index); i += 8 {
			tasks = append(tasks, string(data[binary.BigEndian.Uint64(index[i:]):binary.BigEndian.Uint64(index[i+8:])]))
		}
		if fmt.Sprintf("%q", tasks) != fmt.Sprintf("%q", tt.tasks) || p.Tasks() != len(tt.tasks) {
			t.Errorf("%s: got %q (%d tasks), want %q", tt.input, tasks, p.Tasks(), tt.tasks)
		}
		for i, want := range tt.tasks {
			if shard, err := p.Shard(i); err != nil || string(shard) != want {
				t.Errorf("%s: task %d reads %q, %v, want %q", tt.input, i, shard, err, want)
			}
		}
	}
}

func TestPrepareInputsWithoutIndex(t *testing.T) {
	dir := jobDir(t)
	p, err := prepareText(t, dir, head+"input: {split: {file: a.txt, size: 3}}")
	if err != nil {
		t.Fatal(err)
	}
	source := p.spec.Input.Blob
	if p.Tasks() != 3 || source.ShardSize != 3 || source.Index != nil || string(stored(t, p, source.Blob)) != "one\ntwo" {
		t.Errorf("split by size: %d tasks, %v", p.Tasks(), source)
	}
	p, err = prepareText(t, dir, head+"input: {range: {from: 1, to: 10, step: 4}}")
	if err != nil {
		t.Fatal(err)
	}
	if r := p.spec.Input.Range; p.Tasks() != 3 || *r != (jobs.Range{From: 1, To: 10, Step: 4}) {
		t.Errorf("range: %d tasks, %v", p.Tasks(), r)
	}
}

func TestPrepareFillsTheSpec(t *testing.T) {
	p, err := prepareText(t, jobDir(t), head+`
args: [-x]
env: {K: v}
input: {items: [1]}
data: {words: stop, again: stop}
limits: {time: 30s, memory: 64MiB, output: 1MiB, fuel: 5000000001}
trust: {replicas: 3, quorum: 2, max_attempts: 4}`)
	if err != nil {
		t.Fatal(err)
	}
	s := p.spec
	if !bytes.Equal(stored(t, p, s.Bundle), tinyModule) {
		t.Error("the bundle is not the module")
	}
	if len(s.Data) != 2 || s.Data[0].Name != "again" || string(stored(t, p, s.Data[1].Blob)) != "the\n" {
		t.Errorf("data is %v", s.Data)
	}
	if want := (jobs.Limits{Time: 30 * time.Second, Memory: 64 << 20, Output: 1 << 20, Fuel: 5_000_000_001}); s.Limits != want {
		t.Errorf("limits are %+v, want %+v", s.Limits, want)
	}
	if want := (jobs.Trust{Replicas: 3, Quorum: 2, MaxAttempts: 4}); s.Trust != want || s.Args[0] != "-x" || s.Env["K"] != "v" {
		t.Errorf("spec is %+v", s)
	}
	want := int64(len(tinyModule) + len("1\n") + 16 + 2*len("the\n"))
	if p.Size() != want {
		t.Errorf("size is %d, want %d", p.Size(), want)
	}
}

func TestPreparePassesMaxErrorOn(t *testing.T) {
	for text, want := range map[string]jobs.Prob{"": 0, "trust: {max_error: 1e-3}": jobs.One / 1000} {
		p, err := prepareText(t, jobDir(t), head+"input: {items: [1]}\n"+text)
		if err != nil || p.spec.Trust.MaxError != want {
			t.Errorf("%q: got %v, %v", text, p.spec.Trust, err)
		}
	}
}

func TestPrepareErrors(t *testing.T) {
	dir := jobDir(t)
	input := "input: {items: [1]}\n"
	tests := []struct{ text, want, next string }{
		{"name: t\nbundle: gone.wasm\n" + input, "bundle: gone.wasm: no such file", filepath.Join(dir, "gone.wasm")},
		{"name: t\nbundle: .\n" + input, "bundle: " + dir + ": it is a directory", "name a file"},
		{"name: t\nbundle: not.wasm\n" + input, "bundle: not.wasm: ", ""},
		{"name: t\nbundle: untyped.wasm\n" + input, "bundle: untyped.wasm: module is not valid", "wasm-tools validate"},
		{"name: t\nbundle: component.wasm\n" + input, "bundle: component.wasm: ", "wasip1"},
		{head + "input: {files: ['*.none']}", `input.files: no file matches "*.none"`, "relative to the job file"},
		{head + "input: {split: {file: gone, lines: 1}}", "input.split.file: gone: no such file", "relative"},
		{head + "input: {split: {file: empty, lines: 1}}", "input.split.file: there are no tasks", "something"},
		{head + "input: {split: {file: empty, size: 1}}", "input.split.file: there are no tasks", "something"},
		{head + input + "data: {x: gone}", "data.x: gone: no such file", "relative"},
		{head + input + "data: {x: .}", "data.x: " + dir + ": it is a directory", "such as a tar file"},
		{head + "input: {split: {file: large, size: 1}}", "input.split.size: 10000001 tasks are more than 10000000", "more to do"},
		{head + "input: {split: {file: huge, size: 1GiB}}", "input.split.file: huge: 68719476737 bytes are more than 68719476736", "several"},
		{head + "input: {split: {file: gone, size: 1}}\ndata: {x: gone}", "data.x: gone: no such file", "relative"},
	}
	for name, size := range map[string]int64{"large": jobs.MaxTasks + 1, "huge": blob.MaxSize + 1} {
		holes(t, filepath.Join(dir, name), size)
	}
	t.Setenv("TMPDIR", t.TempDir())
	for _, tt := range tests {
		_, err := prepareText(t, dir, tt.text)
		if message := regexp.MustCompile(`line \d: `).ReplaceAllString(fmt.Sprint(err), ""); !errors.Is(err, ErrInvalid) || !strings.Contains(message, "job.yaml: "+tt.want) {
			t.Errorf("%q: got %v", tt.text, err)
		}
		if next := NextStep(err); next == "" || !strings.Contains(next, tt.next) {
			t.Errorf("%q: next step is %q", tt.text, next)
		}
	}
	expectNoTemporaries(t)
}

// holes makes a file that has a size and takes no room.
func holes(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// expectNoTemporaries looks into the temporary place that the test has set.
func expectNoTemporaries(t *testing.T) {
	t.Helper()
	left, err := filepath.Glob(filepath.Join(os.TempDir(), "anthill-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("temporary directories are left: %v, %v", left, err)
	}
}

func TestPrepareStopsWhenCancelled(t *testing.T) {
	file, err := ParseJobFile(filepath.Join(jobDir(t), "job.yaml"), []byte(head+"input: {items: [1]}"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Prepare(ctx, file); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// BenchmarkPrepare reads 7,000 files of 100 MB in all.
func BenchmarkPrepare(b *testing.B) {
	dir := jobDir(b)
	line := bytes.Repeat([]byte("some text of the usual kind\n"), 510)
	for i := range 7000 {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%05d.in", i)), line, 0o600); err != nil {
			b.Fatal(err)
		}
	}
	b.SetBytes(7000 * int64(len(line)))
	for b.Loop() {
		if _, err := prepareText(b, dir, head+"input: {files: ['*.in'], pack: 1MiB}"); err != nil {
			b.Fatal(err)
		}
	}
}
