package cli

import (
	"bytes"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestOnlyWhatCanBeSeenReachesTheConsole(t *testing.T) {
	for name, test := range map[string]struct{ text, want string }{
		"plain":                {"task 7:\tdone\n", "task 7:\tdone\n"},
		"other scripts":        {"héllo, 世界, שלום, e\u0301 \U0001F41C", "héllo, 世界, שלום, e\u0301 \U0001F41C"},
		"title and clear":      {"\x1b]0;title\a\x1b[2J", "\ufffd]0;title\ufffd\ufffd[2J"},
		"clipboard":            {"\x1b]52;c;cm0=\x1b\\", "\ufffd]52;c;cm0=\ufffd\\"},
		"backspace and return": {"bad\b\b\bgood\rnice\x00\x7f", "bad\ufffd\ufffd\ufffdgood\ufffdnice\ufffd\ufffd"},
		"C1":                   {"\u009b2J\u0085", "\ufffd2J\ufffd"},
		"a C1 byte alone":      {"\x9b2J", "\ufffd2J"},
		"bidi":                 {"\u202egnp.exe\u2066\u200f", "\ufffdgnp.exe\ufffd\ufffd"},
		"zero width":           {"a\u200bb\ufeffc\u00add", "a\ufffdb\ufffdc\ufffdd"},
		"separators":           {"a\u2028b\u2029c\u00a0d", "a\ufffdb\ufffdc\u00a0d"},
		"tags":                 {"a\U000E0041", "a\ufffd"},
	} {
		var out bytes.Buffer
		if n, err := newConsole(&out).Write([]byte(test.text)); n != len(test.text) || err != nil {
			t.Errorf("%s: wrote %d, %v", name, n, err)
		}
		if out.String() != test.want {
			t.Errorf("%s: %q, want %q", name, out.String(), test.want)
		}
	}
}

// TestTheConsoleDoesNotDependOnWhereWritesEnd: a character cut in two stays one, and
// no order is put together from parts.
func TestTheConsoleDoesNotDependOnWhereWritesEnd(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text") + "."
		var whole, parts bytes.Buffer
		newConsole(&whole).Write([]byte(text))
		s := newConsole(&parts)
		for rest := text; rest != ""; {
			n := rapid.IntRange(1, len(rest)).Draw(t, "n")
			s.Write([]byte(rest[:n]))
			rest = rest[n:]
		}
		if whole.String() != parts.String() {
			t.Fatalf("%q in parts: %q, whole: %q", text, parts.String(), whole.String())
		}
		if !utf8.ValidString(parts.String()) || strings.ContainsFunc(parts.String(), func(r rune) bool {
			return unicode.Is(unicode.C, r) && r != '\n' && r != '\t'
		}) {
			t.Fatalf("%q passed as %q", text, parts.String())
		}
	})
}
