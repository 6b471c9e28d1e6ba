package sdk

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestLabelsSurviveTheirText(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := &labels{labelHead: labelHead{File: rapid.String().Draw(t, "file"), Lines: rapid.Int64().Draw(t, "lines"), Bytes: rapid.Int64().Draw(t, "bytes")}}
		if rapid.Bool().Draw(t, "part") {
			l.Of = &wholeInput{Job: rapid.String().Draw(t, "job"), Tasks: rapid.Int().Draw(t, "tasks"), Digest: rapid.String().Draw(t, "digest")}
		}
		for range rapid.IntRange(0, 5).Draw(t, "n") {
			l.tasks = append(l.tasks, taskLabel{Task: rapid.Int().Draw(t, "task"), Text: rapid.String().Draw(t, "text"), Files: append([]string(nil), rapid.SliceOfN(rapid.String(), 0, 3).Draw(t, "files")...)})
		}
		text, err := l.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := readLabels(bytes.NewReader(text), len(l.tasks))
		if err != nil || !reflect.DeepEqual(got, l) {
			t.Errorf("got  %+v, %v\nwant %+v", got, err, l)
		}
	})
}

func TestLabelsThatCannotBeRead(t *testing.T) {
	for text, says := range map[string]string{
		"": "they are empty", "x\n": "read labels of the input", "{}\nx\n": "label of task 0", "{}\n{}\n": "they are of 1 tasks, and the job has 2",
	} {
		if l, err := readLabels(strings.NewReader(text), 2); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: got %+v, %v", text, l, err)
		}
	}
}

func TestShortText(t *testing.T) {
	for text, want := range map[string]string{
		"beta=1\n": "beta=1", "": "", "a\nb\n": "a\nb", "\xff": "?", strings.Repeat("x", labelText): strings.Repeat("x", labelText),
		strings.Repeat("x", labelText+1): strings.Repeat("x", labelText-3) + "...",
	} {
		if got := shortText(text); got != want {
			t.Errorf("%.20q: got %q", text, got)
		}
	}
	if got := shortText("x" + strings.Repeat("é", labelText)); len(got) > labelText || !utf8.ValidString(got) {
		t.Errorf("got %q", got)
	}
}

func TestManyFilesAreNotAllNamed(t *testing.T) {
	if got := (&labels{}).describe(taskLabel{Files: []string{"a", "b", "c", "d"}}, 0); got != "4 files: a, b, c, ..." {
		t.Errorf("got %q", got)
	}
}
