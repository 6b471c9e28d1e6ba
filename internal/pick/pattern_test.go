package pick

import (
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
	"pgregory.net/rapid"
)

// TestPatternsMeanWhatTheyDoElsewhere compares with doublestar, whose patterns these are;
// hidden names are the difference, and that of its [!a] matches a slash.
func TestPatternsMeanWhatTheyDoElsewhere(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", ".", "*", "**", "?", "/", "/", "/**/", "{", "}", ",", "[ab]", "[{]", `\{`, `\*`, "{"}), 1, 10).Draw(t, "pattern"), "")
		names := rapid.SliceOfN(rapid.StringMatching(`[ab{.*][ab.]?`), 1, 4).Draw(t, "path")
		if !doublestar.ValidatePattern(text) || strings.Contains(text, "//") || strings.HasPrefix(text, "/") || strings.HasSuffix(text, "/") {
			t.Skip("none that could be written")
		}
		for _, segment := range strings.Split(strings.NewReplacer("{", "/", "}", "/", ",", "/").Replace(text), "/") {
			if segment == "." || segment == "" {
				t.Skip("what is cleaned away, or an alternative of nothing")
			}
		}
		if strings.Contains(text, "**}") || strings.Contains(text, "**,") {
			t.Skip("at their end ** is for what is below, and doublestar matches what is above as well")
		}
		p, ok := parse(text)
		if !ok {
			t.Skip("too many alternatives")
		}
		whole, _ := p.match(names, true)
		if want := doublestar.MatchUnvalidated(atLeastOne(text), strings.Join(names, "/")); whole != want {
			t.Fatalf("%s matches %q: %v, want %v", text, names, whole, want)
		}
		for _, hidden := range []bool{true, false} {
			whole, _ := p.match(names, hidden)
			for i := 1; i < len(names) && whole; i++ {
				if _, below := p.match(names[:i], hidden); !below {
					t.Fatalf("%s matches %q, and nothing below %q (hidden %v)", text, names, names[:i], hidden)
				}
			}
		}
	})
}

// atLeastOne is a pattern whose last ** matches a name or more.
func atLeastOne(text string) string {
	if text == "**" || strings.HasSuffix(text, "/**") {
		return text + "/*"
	}
	return text
}
