package pick

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/steady"
)

// Notice is about something that a pattern matches.
type Notice struct {
	Path    string
	LeftOut bool // it was not taken, although the pattern matches it
	Reason  string
}

// String is the notice as a line.
func (n Notice) String() string {
	if n.LeftOut {
		return fmt.Sprintf("left out %s: %s", shown(n.Path), n.Reason)
	}
	return fmt.Sprintf("took %s: %s", shown(n.Path), n.Reason)
}

// Config says where and how to look.
type Config struct {
	// Resolve makes a path of a pattern one from the working directory.
	Resolve func(string) string
	// Follow takes files that links lead to, wherever they are, and goes through links
	// to directories.
	Follow bool
}

// Files lists the files that the patterns name, each once, in the sorted order of their
// paths with slashes, and what to say of other things that they match. A pattern that
// finds no file is an error, as is one that names something else without wildcards; they
// are of kind problem.ErrInvalid.
func (c Config) Files(patterns []string) ([]string, []Notice, error) {
	var found []string
	var notices []Notice
	for _, text := range patterns {
		f, n, err := c.match(filepath.ToSlash(text))
		if err != nil {
			return nil, nil, err
		}
		found, notices = append(found, f...), append(notices, n...)
	}
	slices.SortFunc(found, bySlashes)
	found = slices.Compact(found)
	return found, worthSaying(notices, found), nil
}

func bySlashes(a, b string) int { return strings.Compare(filepath.ToSlash(a), filepath.ToSlash(b)) }

// worthSaying sorts notices, and leaves those away of what another pattern took.
func worthSaying(notices []Notice, found []string) []Notice {
	slices.SortStableFunc(notices, func(a, b Notice) int { return bySlashes(a.Path, b.Path) })
	return slices.CompactFunc(slices.DeleteFunc(notices, func(n Notice) bool {
		_, taken := slices.BinarySearchFunc(found, n.Path, bySlashes)
		at, _ := slices.BinarySearchFunc(found, n.Path+string(filepath.Separator), bySlashes)
		inside := at < len(found) && strings.HasPrefix(found[at], n.Path+string(filepath.Separator))
		return n.LeftOut && (taken || inside)
	}), func(a, b Notice) bool { return a.Path == b.Path })
}

// match lists the files of one pattern.
func (c Config) match(text string) ([]string, []Notice, error) {
	if !doublestar.ValidatePattern(text) {
		return nil, nil, problem.Invalid("close brackets and braces, or put a backslash before them", "pattern %q is malformed", text)
	}
	base, rest := doublestar.SplitPattern(text)
	dir := c.Resolve(base)
	if name, plain := unescape(rest); plain {
		return c.named(text, filepath.Join(dir, filepath.FromSlash(name)))
	}
	p, ok := parse(rest)
	if !ok {
		return nil, nil, problem.Invalid("write several patterns", "pattern %q stands for more than %d", text, mostAlternatives)
	}
	s, err := newSearch(dir, p, c.Follow)
	if err == nil {
		err = s.start()
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, problem.Invalid("make it readable or narrow the pattern", "pattern %q: %w", text, err)
	}
	return c.orLiteral(text, s)
}

// start walks all of it. In a file there is nothing.
func (s *search) start() error {
	info, err := os.Stat(s.base)
	if err != nil {
		return steady.Unreadable(s.base, err)
	}
	if !info.IsDir() {
		return nil
	}
	return s.walk(s.base, nil, []fs.FileInfo{info})
}

// orLiteral is what a search found, or the file whose very name the pattern is.
func (c Config) orLiteral(text string, s *search) ([]string, []Notice, error) {
	literal := c.Resolve(text)
	_, err := os.Lstat(literal)
	switch {
	case len(s.found) > 0 && (err != nil || slices.Contains(s.found, literal)):
		return s.found, s.notices, nil
	case len(s.found) > 0:
		return nil, nil, problem.Invalid(fmt.Sprintf("write %q for that file, and name the others otherwise", escape(text)),
			"pattern %q is the name of a file, and matches %s as well", text, shown(s.found[0]))
	case err == nil:
		return c.named(text, literal)
	}
	return nil, nil, c.nothing(text, s)
}

// named takes what is named outright.
func (c Config) named(text, path string) ([]string, []Notice, error) {
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, nil, c.nothing(text, nil)
	}
	in, err := steady.Open(path)
	if err != nil {
		return nil, nil, intoDirectory(text, path, err)
	}
	if err := in.Close(); err != nil {
		return nil, nil, err
	}
	if n, is := LinkOut(path); is && !c.Follow {
		return []string{path}, []Notice{n}, nil
	}
	return []string{path}, nil, nil
}

// LinkOut says of a link that leads out of its directory that what is there was taken.
func LinkOut(path string) (Notice, bool) {
	info, err := os.Lstat(path)
	if err != nil || info.Mode()&fs.ModeSymlink == 0 {
		return Notice{}, false
	}
	s, err := newSearch(filepath.Dir(path), nil, false)
	end, inside := s.leads(path)
	return Notice{Path: path, Reason: "it is a link to " + end + ", and what is there goes to the grid"}, err != nil || !inside
}

// intoDirectory tells how to take the files of a directory that is named.
func intoDirectory(text, path string, err error) error {
	if info, no := os.Stat(path); no == nil && info.IsDir() {
		return problem.Invalid(fmt.Sprintf("for all files in it write %q", strings.TrimSuffix(text, "/")+"/**"), "no file matches %q: it is a directory", text)
	}
	return err
}

// nothing is the error of a pattern that finds no file.
func (c Config) nothing(text string, s *search) error {
	base, _ := doublestar.SplitPattern(text)
	next := fmt.Sprintf("patterns are relative to the job file; looked in %s", c.Resolve(base))
	if literal := c.literalPart(text); literal != "" {
		next = fmt.Sprintf("%s is there: put a backslash before what is no wildcard, as in %q", literal, escape(literal))
	}
	if s == nil || len(s.notices) == 0 {
		return problem.Invalid(next, "no file matches %q", text)
	}
	const most = 3
	var lines []string
	for _, n := range s.notices[:min(most, len(s.notices))] {
		lines = append(lines, n.String())
	}
	if more := len(s.notices) - most; more > 0 {
		lines = append(lines, fmt.Sprintf("and %d more", more))
	}
	return problem.Invalid(next, "no file that can be taken matches %q: %s", text, strings.Join(lines, "; "))
}

// literalPart is the longest beginning of a pattern that is the name of something, in
// spite of its wildcards; "" if there is none.
func (c Config) literalPart(text string) string {
	for end := len(text); end > 0; end = strings.LastIndexByte(text[:end], '/') {
		part := text[:end]
		if _, plain := unescape(part); plain {
			return ""
		}
		if _, err := os.Lstat(c.Resolve(part)); err == nil {
			return part
		}
	}
	return ""
}

// unescape takes the backslashes out of a pattern that has no wildcards.
func unescape(text string) (name string, plain bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch {
		case strings.IndexByte("*?[{", text[i]) >= 0:
			return "", false
		case text[i] == '\\' && i+1 < len(text):
			i++
		}
		b.WriteByte(text[i])
	}
	return b.String(), true
}

// escape puts backslashes before what would be wildcards.
func escape(name string) string {
	var b strings.Builder
	for i := range len(name) {
		if strings.IndexByte(`*?[]{}\`, name[i]) >= 0 {
			b.WriteByte('\\')
		}
		b.WriteByte(name[i])
	}
	return b.String()
}
