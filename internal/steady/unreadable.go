package steady

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"github.com/anthill-grid/anthill/internal/problem"
)

// Unreadable says why a path cannot be read, in an error of kind problem.ErrInvalid.
func Unreadable(path string, err error) error {
	if target, no := os.Readlink(path); no == nil && errors.Is(err, fs.ErrNotExist) {
		return problem.Invalid("mend the link, or name what it should point to", "%s: it is a link to %s, which is not there", path, target)
	}
	switch {
	case errors.Is(err, syscall.ELOOP):
		return problem.Invalid("mend the links, or name a file", "%s: it is a loop of links", path)
	case errors.Is(err, fs.ErrPermission):
		return problem.Invalid("make it readable for you, or leave it out", "%s: %w", path, cause(err))
	case errors.Is(err, fs.ErrNotExist):
		return problem.Invalid("name a file that is there", "%s: %w", path, cause(err))
	}
	return problem.Invalid("name a file that can be read", "%s: %w", path, cause(err))
}

// notFile is an error of what has no content of its own, or a new one for each reader.
func notFile(path string, mode fs.FileMode) error {
	next := "name a file; what comes out of it can be written to one"
	if mode.IsDir() {
		next = "name a file, or make one of the directory, such as a tar file"
	}
	return problem.Invalid(next, "%s: it is %s", path, Describe(mode))
}

// cause strips the path that a file error repeats.
func cause(err error) error {
	var path *fs.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

// Describe tells what a file is, by its mode.
func Describe(mode fs.FileMode) string {
	switch {
	case mode.IsRegular():
		return "a file"
	case mode.IsDir():
		return "a directory"
	case mode&fs.ModeSymlink != 0:
		return "a link"
	case mode&fs.ModeNamedPipe != 0:
		return "a FIFO"
	case mode&fs.ModeSocket != 0:
		return "a socket"
	case mode&fs.ModeDevice != 0:
		return "a device"
	}
	return "no regular file"
}
