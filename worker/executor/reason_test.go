package executor

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/anthill-grid/anthill/jobs"
)

func TestReasonIsBoundedAndValid(t *testing.T) {
	long := strings.Repeat("é", 10_000)
	for _, c := range []struct{ what, stderr string }{
		{"short", ""}, {long, ""}, {"x" + long, long}, {"short", "xy" + long}, {long, "\xff\xfe" + long}, {"\xff", "\xff\xff"}, {"", long},
		{"short", "Traceback (most recent call last): " + long}, {long, "panic: " + long}, {"short", long + "\nx"}, {"short", "\n" + long},
	} {
		got := Reason(c.what, []byte(c.stderr))
		if len(got) > jobs.MaxFailure || !utf8.ValidString(got) {
			t.Errorf("%.10q, %.10q: %d bytes, valid %v", c.what, c.stderr, len(got), utf8.ValidString(got))
		}
	}
}

// numbered are so many lines that say nothing.
func numbered(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "row %d of the table was read\n", i)
	}
	return b.String()
}

func traceback(frames int, end string) string {
	return "Traceback (most recent call last):\n" + strings.Repeat("  File \"/main.py\", line 3, in step\n    step(n - 1)\n", frames) + end + "\n"
}

// What is kept of a log is what says why the program died, in whole lines.
func TestReasonTellsWhyAProgramDied(t *testing.T) {
	goTrace := "\ngoroutine 1 [running]:\n" + strings.Repeat("main.f()\n\t/main.go:3\n", 400)
	tests := map[string]struct{ stderr, begins, ends string }{
		"nothing":                   {" \n\n", "", ""},
		"one line":                  {"no such row\n", ": no such row", ""},
		"a few lines":               {"  indented\nthen this\r\n", ":\n  indented\nthen this", ""},
		"a long log":                {numbered(1000), ":\nrow 8", "\nrow 999 of the table was read"},
		"a long line":               {strings.Repeat("x", 9000) + "the end", ": xxx", "xthe end"},
		"a long line and a short":   {strings.Repeat("x", 9000) + "\nthe end", ":\nxxx", "x\nthe end"},
		"Python":                    {numbered(1000) + traceback(3, "KeyError: 'beta'"), ":\nTraceback (most", "\nKeyError: 'beta'"},
		"Python, caught before":     {traceback(1, "OSError: 1") + numbered(1000) + traceback(1, "KeyError: 'beta'"), ":\nTraceback (most recent call last):\n  File \"/main.py\", line 3, in step\n    step(n - 1)\nKeyError", "KeyError: 'beta'"},
		"Python, one after another": {numbered(1000) + traceback(1, "OSError: 1") + "\nDuring handling of the above exception, another exception occurred:\n\n" + traceback(1, "KeyError: 2"), ":\nTraceback", "KeyError: 2"},
		"Python, deep":              {numbered(10) + traceback(500, "RecursionError: too deep"), ":\nTraceback (most recent call last):\n...\n", "\n    step(n - 1)\nRecursionError: too deep"},
		"Go":                        {"working\npanic: no such file\n" + goTrace, ":\npanic: no such file\n", ""},
		"Go, fatal":                 {"working\nfatal error: all goroutines are asleep - deadlock!\n" + goTrace, ":\nfatal error: all", ""},
		"Go, logged on one line":    {numbered(1000) + "2026/01/01 main.go:3: panic: oh\n", ": 2026/01/01 main.go:3: panic: oh", ""},
		"Rust":                      {numbered(1000) + "\nthread 'main' panicked at src/main.rs:4:5:\nno such row\n", ":\nthread 'main' panicked at src/main.rs:4:5:\nno such row", ""},
	}
	for name, c := range tests {
		got := Reason("exited", []byte(c.stderr))
		if !strings.HasPrefix(got, "exited"+c.begins) || !strings.HasSuffix(got, c.ends) || c.begins == "" && got != "exited" {
			t.Errorf("%s: got %.120q ... %q", name, got, got[max(0, len(got)-60):])
		}
	}
}

// There is room for some screens of a log, and it is used.
func TestReasonKeepsFourKilobytes(t *testing.T) {
	if got := Reason("exited", []byte(numbered(1000))); len(got) < 4<<10 {
		t.Errorf("%d bytes are kept of a long log", len(got))
	}
	if got := Reason("exited", []byte(numbered(100))); !strings.HasPrefix(got, "exited:\nrow 0 ") {
		t.Errorf("a log that fits begins with %.40q", got)
	}
}
