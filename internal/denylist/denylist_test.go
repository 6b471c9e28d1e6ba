package denylist

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// a to e are ids, and dd the key of d.
var (
	ids = [5]blob.ID{{0xa}, {0xb}, {0xc}, {0xd}, {0xe}}
	dd  = string(jobs.DenyKeyOf(ids[3]))
)

func fill(text string) string {
	pairs := []string{"DD", dd}
	for i, id := range ids {
		pairs = append(pairs, string(rune('A'+i)), id.String())
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

func denied(l *List) (names string) {
	for i, id := range ids {
		if d, _ := l.Rule(jobs.DenyKeyOf(id)); d {
			names += string(rune('a' + i))
		}
	}
	return names
}

func TestLists(t *testing.T) {
	for name, test := range map[string]struct {
		text, denied, faults string
	}{
		"empty":            {"", "", ""},
		"header":           {"version: 1\nname: mine\nhints:\n  x: y\n---\n/anthill/A\n", "a", ""},
		"no header":        {"/anthill/A\nB\nblob:C\n//DD\n", "abcd", ""},
		"comments":         {"# /anthill/A\n\n   \n/anthill/B hint=1 other=2\r\n", "b", ""},
		"exceptions":       {"/anthill/A\n/anthill/B\n!/anthill/A\n!//DD\n", "b", ""},
		"last rule counts": {"!/anthill/A\n/anthill/A\n//DD\n!D\n", "a", ""},
		"no end of line":   {"/anthill/A", "a", ""},
		"not understood":   {"/ipfs/QmX\n/anthill/A/*\nB\n//123\nA hint\n", "b", "1 2 4 5"},
		"half a line":      {"/anthill/A\n/anthill/0b00", "a", "2"},
	} {
		list, faults, err := Parse(strings.NewReader(fill(test.text)))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var lines []string
		for _, f := range faults {
			lines = append(lines, strings.TrimSuffix(strings.Fields(f.String())[1], ":"))
		}
		if got := denied(list); got != test.denied || strings.Join(lines, " ") != test.faults {
			t.Errorf("%s: denied %q, want %q; faults %v, want lines %s", name, got, test.denied, faults, test.faults)
		}
		if len(list.Keys()) != len(test.denied) {
			t.Errorf("%s: keys %v", name, list.Keys())
		}
	}
	for _, bad := range []string{"version: 2\n---\n/anthill/A\n", "a: [\n---\n", strings.Repeat("x", maxLine+1)} {
		if _, _, err := Parse(strings.NewReader(fill(bad))); err == nil {
			t.Errorf("%.40q is read", bad)
		}
	}
}

// TestFilesAreReadAgain when they change, and stay as they were when they cannot be read.
func TestFilesAreReadAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.deny")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(path, []byte(fill(text)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := Open(path); err == nil {
		t.Error("a file that is not there is opened")
	}
	write("A\n")
	f, _, err := Open(path)
	if err != nil || denied(f.List()) != "a" {
		t.Fatalf("%v, denied %q", err, denied(f.List()))
	}
	look := func(want bool, names string) {
		t.Helper()
		changed, _, err := f.Look()
		if changed != want || denied(f.List()) != names {
			t.Errorf("changed %v, denied %q, %v; want %v, %q", changed, denied(f.List()), err, want, names)
		}
	}
	look(false, "a")
	write("B\n") // of the same length, within the same step of the file's time
	look(true, "b")
	write("version: 9\n---\nC\n")
	look(false, "b")
	old := time.Now().Add(-time.Hour)
	write("C\n")
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
	look(true, "c")
	look(false, "c")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	look(false, "c")
	write("D\n")
	look(true, "d")
}

func FuzzParse(f *testing.F) {
	f.Add("version: 1\n---\n/anthill/" + ids[0].String() + " a=b\n!//" + dd + "\n")
	f.Fuzz(func(t *testing.T, text string) {
		list, _, err := Parse(strings.NewReader(text))
		if err == nil && len(list.Keys()) > list.Len() {
			t.Error("it denies more than it has rules for")
		}
	})
}
