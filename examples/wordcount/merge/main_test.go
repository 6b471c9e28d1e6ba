package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func write(t *testing.T, dir, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestMerge(t *testing.T) {
	dir, all := t.TempDir(), filepath.Join(t.TempDir(), "all.txt")
	write(t, dir, "0", "ant 2\nbee 1\n")
	write(t, dir, "1", "ant 40\nwasp 1\n")
	write(t, dir, "2", "")
	var out bytes.Buffer
	if err := run([]string{"-top", "2", "-o", all, dir}, &out); err != nil {
		t.Fatal(err)
	}
	if want := "44 words, 3 different\n      42  ant\n       1  bee\n"; out.String() != want {
		t.Errorf("printed\n%swant\n%s", out.String(), want)
	}
	if got, _ := os.ReadFile(all); string(got) != "ant 42\nbee 1\nwasp 1\n" {
		t.Errorf("wrote %q", got)
	}
}

func TestMergeRefuses(t *testing.T) {
	bad, empty := t.TempDir(), t.TempDir()
	write(t, bad, "7", "P6 a picture\n")
	for _, test := range []struct {
		args []string
		want string
	}{
		{nil, "want the directory"},
		{[]string{bad, empty}, "want the directory"},
		{[]string{filepath.Join(empty, "none")}, "none"},
		{[]string{empty}, "no results in it"},
		{[]string{bad}, `7: read counts: line 1: want "word count"`},
		{[]string{"-o", filepath.Join(empty, "no", "dir"), empty}, "no results"},
	} {
		err := run(test.args, new(bytes.Buffer))
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%v: error %v; want %q", test.args, err, test.want)
		}
	}
}
