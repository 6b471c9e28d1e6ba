package jobs

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Much of what the grid keeps was written by strangers: names, and what workers say of
// attempts. People read it on terminals, which obey some of such text. What can be seen
// differs between versions of Unicode, so no command of the log is judged by it: words
// are looked at before they come there.

// Printable is text in which everything that cannot be seen is replaced: controls
// (C0, C1, DEL), marks that turn the direction of writing or have no width, line
// separators that are none of a terminal's, and what is no UTF-8. Tabs and line ends stay.
func Printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' || seen(r) {
			return r
		}
		return unicode.ReplacementChar
	}, text)
}

// IsPlain says whether text may be the name of something: all of it can be seen, on one
// line.
func IsPlain(text string) bool {
	return utf8.ValidString(text) && !strings.ContainsFunc(text, func(r rune) bool { return !seen(r) })
}

func seen(r rune) bool { return unicode.IsPrint(r) || unicode.Is(unicode.Zs, r) }
