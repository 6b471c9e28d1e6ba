package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/sdk"
)

func TestWhatTheTasksOfRunRead(t *testing.T) {
	dir := t.TempDir()
	for _, tt := range []struct {
		in   runInput
		want string // an error, or nothing
		is   func(sdk.Input) bool
	}{
		{runInput{span: "0:10:5"}, "", func(in sdk.Input) bool { return *in.Range == sdk.Range{From: 0, To: 10, Step: 5} }},
		{runInput{span: "-5:10:5"}, "", func(in sdk.Input) bool { return in.Range.From == -5 }},
		{runInput{span: "0:10"}, "want FROM:TO:STEP", nil},
		{runInput{span: "0:x:1"}, "want FROM:TO:STEP", nil},
		{runInput{lines: "a:b.txt:3"}, "", func(in sdk.Input) bool {
			return strings.HasSuffix(in.Split.File, "a:b.txt") && in.Split.Lines == 3
		}},
		{runInput{lines: "b.txt"}, "want FILE:N", nil},
		{runInput{lines: "b.txt:0"}, "want FILE:N", nil},
		{runInput{items: "i.txt"}, "", func(in sdk.Input) bool { return filepath.IsAbs(in.Split.File) && in.Split.Lines == 1 }},
		{runInput{}, "", func(in sdk.Input) bool { return piped(t, in.Split.File) && in.Split.Lines == 1 }},
		{runInput{lines: "-:2"}, "", func(in sdk.Input) bool { return piped(t, in.Split.File) && in.Split.Lines == 2 }},
		{runInput{files: []string{"*.txt"}}, "", func(in sdk.Input) bool { return len(in.Files) == 1 }},
		{runInput{items: "i.txt", span: "0:1:1"}, "there can be one", nil},
	} {
		cmd := &cobra.Command{}
		cmd.SetIn(strings.NewReader("from a pipe\n"))
		got, err := tt.in.read(cmd, dir)
		switch {
		case tt.want == "" && (err != nil || !tt.is(got)):
			t.Errorf("%+v: %+v, %v", tt.in, got, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%+v: %v, want %q", tt.in, err, tt.want)
		}
	}
}

func piped(t *testing.T, path string) bool {
	text, err := os.ReadFile(path)
	if err != nil {
		t.Error(err)
	}
	return string(text) == "from a pipe\n"
}

func TestResultsArePutTogetherInOrder(t *testing.T) {
	dir := t.TempDir()
	for task, text := range map[int]string{0: "a", 2: "c", 10: "k"} { // 1 failed
		if err := os.WriteFile(filepath.Join(dir, resultName(task)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var out bytes.Buffer
	if err := catResults(&out, dir, 11); err != nil || out.String() != "ack" {
		t.Errorf("%q, %v", out.String(), err)
	}
}

func TestJobsOfRunAreNamedAfterTheirPrograms(t *testing.T) {
	for path, want := range map[string]string{"a/b/f.py": "f", "my prog.wasm": "my-prog", "_x.js": "x", "ü.py": "run"} {
		if got := nameOfProgram(path); got != want {
			t.Errorf("%s is called %q, want %q", path, got, want)
		}
	}
}
