package sdk

import (
	"fmt"
	"path/filepath"

	"github.com/anthill-grid/anthill/jobs"
)

// A job file may be a stranger's, and whoever submits it sends what it names to machines of
// strangers. So it may name what lies in its own directory, and nothing else: neither by a
// path nor by a link.

// checkInside refuses what a field names and lies outside of the job file's directory.
// A job that was made by hand, without a path, is its maker's own.
func (f *JobFile) checkInside(field, full string) error {
	if f.AllowOutside || f.Path == "" || full == f.made {
		return nil
	}
	end, err := filepath.EvalSymlinks(full)
	if err != nil {
		return nil // whoever opens it says why that is not possible
	}
	root, err := filepath.EvalSymlinks(filepath.Dir(f.Path))
	if err != nil {
		return nil
	}
	if within(root, end) {
		return nil
	}
	shown := full
	if within(filepath.Dir(f.Path), full) {
		shown += ", a link to " + end
	}
	return f.wrong(field, "to send it to the grid's machines all the same: --allow-outside", "%s lies outside of the job file's directory", jobs.Printable(shown))
}

// within says whether a path lies in a directory; neither has links.
func within(dir, path string) bool {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return false
	}
	if path, err = filepath.Abs(path); err != nil {
		return false
	}
	inside, err := filepath.Rel(dir, path)
	return err == nil && filepath.IsLocal(inside)
}

// checkAllInside does so for many, and names the first.
func (f *JobFile) checkAllInside(field string, paths []string) error {
	var out []error
	for _, path := range paths {
		if err := f.checkInside(field, path); err != nil {
			out = append(out, err)
		}
	}
	switch len(out) {
	case 0:
		return nil
	case 1:
		return out[0]
	}
	return fmt.Errorf("%w, and so do %d more", out[0], len(out)-1)
}
