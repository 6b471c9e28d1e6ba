package sdk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// expand lists the regular files that the patterns match, each once, in the
// sorted order of their paths with slashes.
func (f *JobFile) expand(patterns []string) ([]string, error) {
	seen := make(map[string]bool)
	var paths []string
	for _, pattern := range patterns {
		found, err := f.match(pattern)
		if err != nil {
			return nil, err
		}
		for _, path := range found {
			if !seen[path] {
				seen[path] = true
				paths = append(paths, path)
			}
		}
	}
	slices.SortFunc(paths, func(a, b string) int {
		return strings.Compare(filepath.ToSlash(a), filepath.ToSlash(b))
	})
	return paths, nil
}

// match lists the files of one pattern; none is an error.
func (f *JobFile) match(pattern string) ([]string, error) {
	fixed, rest := doublestar.SplitPattern(filepath.ToSlash(pattern))
	dir := f.Resolve(fixed)
	names, err := doublestar.Glob(os.DirFS(dir), rest,
		doublestar.WithFilesOnly(), doublestar.WithNoFollow(), doublestar.WithFailOnIOErrors())
	if errors.Is(err, doublestar.ErrBadPattern) {
		return nil, f.wrong("input.files", "close brackets and braces, or put a backslash before them", "pattern %q is malformed", pattern)
	}
	if err != nil {
		return nil, f.wrong("input.files", "make the files readable or narrow the pattern", "pattern %q: %w", pattern, err)
	}
	var paths []string
	for _, name := range names {
		path := filepath.Join(dir, filepath.FromSlash(name))
		// Links are followed here and only here, so that a loop of links
		// cannot be walked.
		info, err := os.Stat(path)
		if err == nil && info.Mode().IsRegular() {
			paths = append(paths, path)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, f.wrong("input.files", "make the file readable", "%w", err)
		}
	}
	if len(paths) == 0 {
		return nil, f.noMatch(pattern, dir, rest)
	}
	return paths, nil
}

func (f *JobFile) noMatch(pattern, dir, rest string) error {
	next := fmt.Sprintf("patterns are relative to the job file; looked in %s", dir)
	if info, err := os.Stat(filepath.Join(dir, rest)); err == nil && info.IsDir() {
		next = fmt.Sprintf("it is a directory; for all files in it write %q", strings.TrimSuffix(pattern, "/")+"/**")
	}
	return f.wrong("input.files", next, "no file matches %q", pattern)
}
