package sdk

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const head = "name: t\nbundle: t.wasm\n"

func TestParseJobFile(t *testing.T) {
	text := `
name: word-count_2.1
bundle: bin/t.wasm
args: [--lower, 10]
env: {LANG: C, COUNT: 5}
input:
  files: ["a/**/*.txt", b.txt]
  pack: 1.5MiB
data:
  stop.txt: lists/stop.txt
limits: {time: 1m30s, memory: 256MiB, output: 1000, fuel: 1.5G}
trust: {replicas: 3, quorum: 2, max_attempts: 7}
unknown_imports: trap
retain: 7d
input_wait: 2h
`
	got, err := ParseJobFile("dir/job.yaml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := &JobFile{
		Path: "dir/job.yaml", Name: "word-count_2.1", Bundle: "bin/t.wasm",
		Args: []string{"--lower", "10"}, Env: map[string]string{"LANG": "C", "COUNT": "5"},
		Input:  Input{Files: []string{"a/**/*.txt", "b.txt"}, Pack: 3 << 19},
		Data:   map[string]string{"stop.txt": "lists/stop.txt"},
		Limits: Limits{Time: Duration(90 * time.Second), Memory: 256 << 20, Output: 1000, Fuel: 15e8},
		Trust:  Trust{Replicas: 3, Quorum: 2, MaxAttempts: 7},

		UnknownImports: "trap", Retain: Retention(7 * 24 * time.Hour), InputWait: Duration(2 * time.Hour),
	}
	got.lines = nil
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestParseJobFileSources(t *testing.T) {
	tests := []struct {
		text string
		want Input
	}{
		{"split: {file: x, lines: 10}", Input{Split: &Split{File: "x", Lines: 10}}},
		{"split: {file: x, size: 64KiB}", Input{Split: &Split{File: "x", Size: 64 << 10}}},
		{"range: {from: -5, to: 5, step: 3}", Input{Range: &Range{From: -5, To: 5, Step: 3}}},
	}
	for _, tt := range tests {
		file, err := ParseJobFile("job.yaml", []byte(head+"input: {"+tt.text+"}"))
		if err != nil || !reflect.DeepEqual(file.Input, tt.want) {
			t.Errorf("%s: got %+v, %v", tt.text, file, err)
		}
	}
}

func TestParseJobFileMaxError(t *testing.T) {
	for text, want := range map[string]Trust{
		"{max_error: 1e-4}":              {MaxError: 1e-4},
		"{max_error: 0.0001}":            {MaxError: 1e-4},
		"{max_error: 1e-9}":              {MaxError: 1e-9},
		"{replicas: 1}":                  {Replicas: 1},
		"{replicas: 1, quorum: 1}":       {Replicas: 1, Quorum: 1},
		"{quorum: 1}":                    {Quorum: 1},
		"{}":                             {},
		"{max_error: null, replicas: 3}": {Replicas: 3},
	} {
		file, err := ParseJobFile("job.yaml", []byte(head+"input: {items: [1]}\ntrust: "+text))
		if err != nil || file.Trust != want {
			t.Errorf("%s: got %+v, %v", text, file, err)
		}
	}
}

func TestParseJobFileKeepsLargeItemsExact(t *testing.T) {
	file, err := ParseJobFile("job.yaml", []byte(head+"input: {items: [9007199254740993, a b, {x: 1}]}"))
	if err != nil {
		t.Fatal(err)
	}
	list, err := newItemList(file.Input.Items)
	if err != nil || list.String() != "9007199254740993\na b\n{\"x\":1}\n" {
		t.Errorf("got %q, %v", list.String(), err)
	}
}

func TestParseJobFileErrors(t *testing.T) {
	tests := []struct{ text, want, next string }{
		{"a: [", "did not find expected node content", "YAML"},
		{"- a", "found a list, want fields", "name"},
		{"", "found nothing", "bundle"},
		{"name: a\nname: b", `key "name" already set`, ""},
		{"name: t\nbundel: x", `line 2: unknown field "bundel"`, `did you mean "bundle"?`},
		{"name: t\ncolour: x", `line 2: unknown field "colour"`, "known fields here: name, bundle"},
		{head + "input: {files: [a], packs: 1}", `line 3: unknown field "input.packs"`, `"pack"`},
		{head + "input:\n  split:\n    line: 3", `line 5: unknown field "input.split.line"`, `"lines"`},
		{head + "input: {files: a}", "line 3: input.files: found a, want a list", ""},
		{head + "input: {files: [a]}\ntrust: {quorum: -1}", "line 4: trust.quorum: found -1, want a whole number, 0 or more", ""},
		{head + "input: {files: [a], pack: 1XB}", `input.pack: "1XB" is not a size; write it like`, ""},
		{head + "input: {files: [a], pack: -1}", `input.pack: "-1" is not a size`, ""},
		{head + "input: {files: [a]}\nlimits: {time: 30}", `limits.time: "30" is not a duration; write it like 30s`, ""},
		{head + "input: {files: [a]}\nlimits: {fuel: 5GiB}", `limits.fuel: "5GiB" is not an amount of fuel; write it like 200M`, ""},
		{head + "input: {files: [a]}\nlimits: {fuel: -1}", `limits.fuel: "-1" is not an amount of fuel`, ""},
		{head + "input: {files: [a]}\nunknown_imports: ignore", `unknown_imports: found "ignore"`, "refuse, or trap"},
		{"bundle: b\ninput: {items: [1]}", "name: missing", "name:"},
		{"name: a/b\nbundle: b\ninput: {items: [1]}", `line 1: name: "a/b" is not a name`, "letters"},
		{"name: a\ninput: {items: [1]}", "bundle: missing", "WASM"},
		{head, "input: found nothing, want exactly one source", "one of files"},
		{head + "input: {files: [a], items: [1]}", "input: found files and items, want exactly one", ""},
		{head + "input: {items: [1], pack: 1}", "input.pack: goes only with files, found items", ""},
		{head + "input: {items: [1], follow_links: true}", "input.follow_links: goes only with files, found items", ""},
		{head + "input: {files: [a], follow_links: yes}", "line 3: input.follow_links: found yes, want true or false", ""},
		{head + "input: {items: []}", "input.items: the list is empty", ""},
		{head + "input: {files: []}", "input.files: the list is empty", ""},
		{head + "input: {split: {lines: 3}}", "input.split.file: missing", ""},
		{head + "input: {split: {file: x}}", "input.split: want exactly one of lines and size", ""},
		{head + "input: {split: {file: x, lines: 1, size: 2}}", "input.split: want exactly one of lines and size", ""},
		{head + "input: {split: {file: x, lines: -1}}", "input.split.lines: found -1", ""},
		{head + "input: {range: {to: 9}}", "line 3: input.range.step: found 0", ""},
		{head + "input: {range: {from: 9, to: 9, step: 1}}", "input.range: no tasks: from 9 to 9", ""},
		{head + "input: {range: {from: -9223372036854775808, to: 9223372036854775807, step: 1}}",
			"input.range.step: 9223372036854775807 tasks are more than 10000000", "more to do"},
		{head + "input: {range: {to: 10000001, step: 1}}", "input.range.step: 10000001 tasks are more than 10000000", "more to do"},
		{head + "input: {items: [1]}\ndata: {a/b: c}", `data: "a/b" is not a file name`, ""},
		{head + "input: {items: [1]}\ndata: {a: ''}", "data.a: missing", ""},
		{head + "input: {items: [1]}\ndata: {.x: c}", `data: ".x" is not a file name`, ""},
		{head + "input: {items: [1]}\ndata:\n  y: z\n  x: 'blob:12'", `line 6: data.x: parse blob id "12"`, "64 hex digits"},
		{head + "input: {split: {file: 'blob:12', size: 1}}", `input.split.file: parse blob id "12"`, "64 hex digits"},
		{"name: -x\nbundle: b\ninput: {items: [1]}", `name: "-x" is not a name`, "a letter or a digit first"},
		{"name: .x\nbundle: b\ninput: {items: [1]}", `name: ".x" is not a name`, ""},
		{"name: " + strings.Repeat("x", 65) + "\nbundle: b\ninput: {items: [1]}", "is not a name", "64 letters"},
		{head + "input: {items: [1]}\nargs: [\"a\\0b\"]", `args: "a\x00b" has a zero byte`, ""},
		{head + "input: {items: [1]}\nargs: [" + strings.Repeat("x", 64<<10) + "]", "args, env: they have 65537 bytes, more than 65536", "data file"},
		{head + "input: {items: [1]}\nenv: {A=B: c}", `env: "A=B" is not a variable`, ""},
		{head + "input: {items: [1]}\nenv: {'': c}", `env: "" is not a variable`, ""},
		{head + "input: {items: [1]}\nlimits: {time: 25h}", "limits.time: 25h0m0s is not between 1ms and 24h0m0s", "less to do"},
		{head + "input: {items: [1]}\nlimits: {time: 1us}", "limits.time: 1µs is not between", ""},
		{head + "input: {items: [1]}\nlimits: {memory: 1}", "limits.memory: 1 bytes is not between 64 KiB and 4 GiB", "512 MiB"},
		{head + "input: {items: [1]}\nlimits: {memory: 5GiB}", "limits.memory: 5368709120 bytes is not between", ""},
		{head + "input: {items: [1]}\nlimits: {output: 1GiB}", "limits.output: 1073741824 bytes is not between 0 and 256 MiB", ""},
		{head + "input: {items: [1]}\ntrust: {quorum: 17}", "trust.quorum: 17 is not between 2 and 16", ""},
		{head + "input: {items: [1]}\ntrust: {replicas: 17}", "trust.replicas: 17 is not between 1 and 16", ""},
		{head + "input: {items: [1]}\ntrust: {quorum: 2, max_attempts: 65}", "trust.max_attempts: 65 is not between 2", ""},
		{head + "input: {items: [1]}\ntrust: {max_error: 0}", "trust.max_error: 0 is not a share above 0 and below 1; write it like 0.0001", ""},
		{head + "input: {items: [1]}\ntrust: {max_error: 1}", "trust.max_error: 1 is not a share above 0 and below 1", ""},
		{head + "input: {items: [1]}\ntrust: {max_error: 1e-10}", "trust.max_error: 1e-10 is not a share", ""},
		{head + "input: {items: [1]}\ntrust: {max_error: -1e-4}", "trust.max_error: -1e-4 is not a share", ""},
		{head + "input: {items: [1]}\ntrust: {max_error: low}", `trust.max_error: "low" is not a share`, ""},
		{head + "input: {items: [1]}\ntrust: {max_error: 1e-4, quorum: 2}", "trust.max_error: it does not go together with replicas", "leave out"},
		{head + "input: {items: [1]}\ntrust: {max_error: 1e-4, replicas: 1}", "trust.max_error: it does not go together", ""},
		{head + "input: {items: [1]}\ntrust: {max_error: 1e-4, max_attempts: 9}", "trust.max_error: it does not go together", ""},
		{head + "input: {items: [1]}\ntrust: {replicas: 3, quorum: 1}", "trust.quorum: 1 is not between 2 and 16", "trust.replicas to 1"},
		{head + "input: {items: [1]}\ntrust: {quorum: 4, max_attempts: 3}", "trust.max_attempts: 3 is not between 4 (the larger of quorum and replicas) and 64", ""},
		{head + "input: {items: [1]}\ntrust: {replicas: 4, max_attempts: 3}", "trust.max_attempts: 3 is not between 4", ""},
	}
	for _, tt := range tests {
		_, err := ParseJobFile("job.yaml", []byte(tt.text))
		if err == nil {
			t.Errorf("%q: no error", tt.text)
			continue
		}
		if !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "job file job.yaml: ") || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%q: got %q, want it to have %q", tt.text, err, tt.want)
		}
		if next := NextStep(err); next == "" || !strings.Contains(next, tt.next) {
			t.Errorf("%q: next step is %q, want %q", tt.text, next, tt.next)
		}
	}
}

func TestLoadJobFileThatIsNotThere(t *testing.T) {
	_, err := LoadJobFile(filepath.Join(t.TempDir(), "job.yaml"))
	if !errors.Is(err, ErrInvalid) || !errors.Is(err, os.ErrNotExist) || NextStep(err) == "" {
		t.Errorf("got %v", err)
	}
}

func TestCheckOfAJobMadeByHand(t *testing.T) {
	for share, ok := range map[Share]bool{
		0: true, 1e-4: true, 0.5: true,
		1: false, 1e-10: false, -1: false, 0.9999999999: false, Share(math.NaN()): false, Share(math.Inf(1)): false,
	} {
		file := JobFile{Name: "t", Bundle: "t.wasm", Input: Input{Items: []any{1}}, Trust: Trust{MaxError: share}}
		if err := file.Check(); (err == nil) != ok || err != nil && !errors.Is(err, ErrInvalid) {
			t.Errorf("max_error %v: %v", share, err)
		}
	}
}

// What the grid would refuse of a job that no file describes, Check refuses.
func TestCheckIsOfTheGridsRules(t *testing.T) {
	data := map[string]string{}
	for i := range 257 {
		data[fmt.Sprint("d", i)] = "path"
	}
	for field, change := range map[string]func(*JobFile){
		"input.items":   func(f *JobFile) { f.Input.Items = make([]any, jobs.MaxTasks+1) },
		"limits.fuel":   func(f *JobFile) { f.Limits.Fuel = jobs.MaxFuel + 1 },
		"limits.memory": func(f *JobFile) { f.Limits.Memory = -1 },
		"limits.output": func(f *JobFile) { f.Limits.Output = -1 },
		"limits.time":   func(f *JobFile) { f.Limits.Time = -1 },
		"data":          func(f *JobFile) { f.Data = data },
	} {
		file := JobFile{Name: "t", Bundle: "t.wasm", Input: Input{Items: []any{1}}}
		change(&file)
		if err := file.Check(); !errors.Is(err, ErrInvalid) || !strings.HasPrefix(err.Error(), "job: "+field+": ") || NextStep(err) == "" {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestRetain(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "retain: 12h": 12 * time.Hour, "retain: 30d": 720 * time.Hour, "retain: 1m": time.Minute, "retain: 3650d": jobs.MaxRetain,
		"retain: 30": -1, "retain: 59s": -1, "retain: 3651d": -1, "retain: -1d": -1, "retain: 1.5d": -1, "retain: 0s": -1, "retain: soon": -1,
	} {
		file, err := ParseJobFile("job.yaml", []byte(head+"input: {items: [1]}\n"+text))
		if want < 0 {
			if !errors.Is(err, ErrInvalid) || !strings.Contains(err.Error(), "retain") {
				t.Errorf("%q: got %v", text, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if spec, err := file.Terms(); err != nil || spec.Retain != want {
			t.Errorf("%q: got %v, %v", text, spec.Retain, err)
		}
	}
}
