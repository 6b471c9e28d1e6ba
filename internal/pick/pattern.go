package pick

import (
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// mostAlternatives bounds what the braces of a pattern stand for.
const mostAlternatives = 1000

// pattern is what a pattern with wildcards matches below the directory in which it
// begins: one list of segments for each combination of the alternatives in its braces.
type pattern [][]string

// parse reads a pattern that is well-formed; it is false for one of too many alternatives.
func parse(text string) (pattern, bool) {
	all, ok := alternatives(text, nil)
	if !ok {
		return nil, false
	}
	var p pattern
	for _, one := range all {
		segments := slices.DeleteFunc(strings.Split(one, "/"), func(s string) bool { return s == "" || s == "." })
		p = append(p, slices.CompactFunc(segments, func(a, b string) bool { return a == "**" && b == "**" }))
	}
	return p, true
}

// alternatives appends what a pattern stands for once its braces are gone.
func alternatives(text string, to []string) ([]string, bool) {
	open, choices, end := firstBraces(text)
	if open < 0 {
		return append(to, text), len(to) < mostAlternatives
	}
	ok := true
	for _, choice := range choices {
		if to, ok = alternatives(text[:open]+choice+text[end:], to); !ok {
			break
		}
	}
	return to, ok
}

// firstBraces finds the first { with its }, and the choices between them; open is -1 if
// there is none.
func firstBraces(text string) (open int, choices []string, end int) {
	depth, from := 0, 0
	open = -1
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '\\':
			i++
		case '[':
			i = classEnd(text, i)
		case '{':
			if depth++; depth == 1 {
				open, from = i, i+1
			}
		case ',':
			if depth == 1 {
				choices, from = append(choices, text[from:i]), i+1
			}
		case '}':
			if depth--; depth == 0 {
				return open, append(choices, text[from:i]), i + 1
			}
		}
	}
	return -1, nil, 0
}

// classEnd finds the ] of a [.
func classEnd(text string, i int) int {
	for i++; i < len(text) && text[i] != ']'; i++ {
		if text[i] == '\\' {
			i++
		}
	}
	return i
}

// match tells whether the pattern matches a path, given by its names, and whether it can
// match anything below it. With hidden, wildcards match hidden names too.
func (p pattern) match(names []string, hidden bool) (whole, below bool) {
	for _, segments := range p {
		w, b := fits(segments, names, hidden)
		whole, below = whole || w, below || b
	}
	return whole, below
}

func fits(segments, names []string, hidden bool) (whole, below bool) {
	switch {
	case len(names) == 0:
		return len(segments) == 0, len(segments) > 0
	case len(segments) == 0:
		return false, false
	case segments[0] != "**":
		if !fitsName(segments[0], names[0], hidden) {
			return false, false
		}
		return fits(segments[1:], names[1:], hidden)
	}
	if len(segments) == 1 { // all that is below
		whole = hidden || !slices.ContainsFunc(names, isHidden)
		return whole, whole
	}
	whole, below = fits(segments[1:], names, hidden)
	if hidden || !isHidden(names[0]) {
		w, b := fits(segments, names[1:], hidden)
		whole, below = whole || w, below || b
	}
	return whole, below
}

// fitsName matches one name. Only a dot matches the dot of a hidden one.
func fitsName(segment, name string, hidden bool) bool {
	if !hidden && isHidden(name) && !strings.HasPrefix(strings.TrimPrefix(segment, `\`), ".") {
		return false
	}
	return doublestar.MatchUnvalidated(segment, name)
}

func isHidden(name string) bool { return strings.HasPrefix(name, ".") }
