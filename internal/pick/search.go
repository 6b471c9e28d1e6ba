package pick

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/anthill-grid/anthill/internal/steady"
)

// search is one walk below the directory in which a pattern begins.
type search struct {
	pattern pattern
	base    string // the directory
	root    string // the same without links: what lies in it may be taken
	follow  bool
	found   []string
	notices []Notice
}

func newSearch(base string, p pattern, follow bool) (*search, error) {
	root, err := filepath.EvalSymlinks(base)
	if err == nil {
		root, err = filepath.Abs(root)
	}
	return &search{pattern: p, base: base, root: root, follow: follow}, err
}

// entry is something in a directory.
type entry struct {
	names []string // from the base
	path  string
	kind  fs.FileMode
	// Whether the pattern matches it, and whether it may match something in it.
	whole, below bool
}

// walk looks through a directory. The chain is of the directories above it and itself, by
// which a loop of links shows.
func (s *search) walk(dir string, names []string, chain []fs.FileInfo) error {
	list, err := os.ReadDir(dir)
	if err != nil {
		return steady.Unreadable(dir, err)
	}
	for _, d := range list {
		e := entry{names: append(names[:len(names):len(names)], d.Name()), path: filepath.Join(dir, d.Name()), kind: d.Type()}
		e.whole, e.below = s.pattern.match(e.names, false)
		if err := s.visit(e, chain); err != nil {
			return err
		}
	}
	return nil
}

func (s *search) visit(e entry, chain []fs.FileInfo) error {
	switch {
	case !e.whole && !e.below:
		s.hidden(e)
	case e.kind.IsDir() && e.below:
		return s.enter(e, chain)
	case e.kind&fs.ModeSymlink != 0:
		return s.link(e, chain)
	case !e.whole:
	case e.kind.IsRegular():
		s.found = append(s.found, e.path)
	case e.kind.IsDir():
		s.leave(e.path, "it is a directory: end a pattern in /** for the files in it")
	default:
		s.leave(e.path, "it is %s", steady.Describe(e.kind))
	}
	return nil
}

// enter walks a directory, unless a link leads back to one above it.
func (s *search) enter(e entry, chain []fs.FileInfo) error {
	info, err := os.Stat(e.path)
	if err != nil {
		return steady.Unreadable(e.path, err)
	}
	for _, above := range chain {
		if os.SameFile(above, info) {
			s.leave(e.path, "it is a loop of links: it leads back to a directory that it is in")
			return nil
		}
	}
	return s.walk(e.path, e.names, append(chain[:len(chain):len(chain)], info))
}

// link takes what a link points to, if that is a file within the directory or links are
// to be followed.
func (s *search) link(e entry, chain []fs.FileInfo) error {
	info, err := os.Stat(e.path)
	switch {
	case err != nil:
		s.leave(e.path, "%s", whyBroken(e.path, err))
	case info.IsDir() && s.follow && e.below:
		return s.enter(e, chain)
	case info.IsDir() && s.follow:
		s.leave(e.path, "it is a link to a directory: end a pattern in /** for the files in it")
	case info.IsDir():
		s.leave(e.path, "it is a link to a directory, %s: those are followed with follow_links: true", target(e.path))
	case e.whole:
		s.linkedFile(e.path, info)
	}
	return nil
}

func (s *search) linkedFile(path string, info fs.FileInfo) {
	if !info.Mode().IsRegular() {
		s.leave(path, "it is a link to %s", steady.Describe(info.Mode()))
		return
	}
	if end, inside := s.leads(path); !inside && !s.follow {
		s.leave(path, "it is a link out of %s, to %s: those are followed with follow_links: true", shown(s.base), end)
		return
	}
	s.found = append(s.found, path)
}

// leads tells where a link ends, and whether that is within the directory.
func (s *search) leads(path string) (end string, inside bool) {
	end, err := filepath.EvalSymlinks(path)
	if err == nil {
		end, err = filepath.Abs(end)
	}
	if err != nil {
		return target(path), false
	}
	rel, err := filepath.Rel(s.root, end)
	return shown(end), err == nil && filepath.IsLocal(rel)
}

// hidden tells of what would match if it were not hidden.
func (s *search) hidden(e entry) {
	whole, below := s.pattern.match(e.names, true)
	switch {
	case e.kind.IsDir() && below:
		if n := s.count(e.path, e.names); n > 0 {
			s.leave(e.path, "it is hidden, with %s: a pattern that names its dot takes them", files(n))
		}
	case whole && !e.kind.IsDir():
		s.leave(e.path, "it is hidden: a pattern that names its dot takes it")
	}
}

// count counts the files below a hidden directory that match. What cannot be read there
// was not asked for.
func (s *search) count(dir string, names []string) (n int) {
	list, _ := os.ReadDir(dir)
	for _, d := range list {
		names := append(names[:len(names):len(names)], d.Name())
		whole, below := s.pattern.match(names, true)
		switch {
		case d.IsDir() && below:
			n += s.count(filepath.Join(dir, d.Name()), names)
		case whole && d.Type().IsRegular():
			n++
		}
	}
	return n
}

func (s *search) leave(path, reason string, args ...any) {
	s.notices = append(s.notices, Notice{Path: path, LeftOut: true, Reason: fmt.Sprintf(reason, args...)})
}

// whyBroken tells why a link leads nowhere.
func whyBroken(path string, err error) string {
	switch {
	case errors.Is(err, syscall.ELOOP):
		return "it is a loop of links"
	case errors.Is(err, fs.ErrNotExist):
		return "it is a link to " + target(path) + ", which is not there"
	}
	var at *fs.PathError
	if errors.As(err, &at) {
		err = at.Err
	}
	return fmt.Sprintf("it is a link to %s: %v", target(path), err)
}

// target is what a link says.
func target(path string) string {
	to, err := os.Readlink(path)
	if err != nil {
		return "somewhere"
	}
	return shown(to)
}

func files(n int) string {
	if n == 1 {
		return "1 file"
	}
	return fmt.Sprint(n, " files")
}

// shown is a path as it can be printed: names may have any bytes.
func shown(path string) string {
	quoted := fmt.Sprintf("%q", path)
	if strings.Trim(quoted, `"`) == path {
		return path
	}
	return quoted
}
