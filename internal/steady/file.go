package steady

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/anthill-grid/anthill/internal/problem"
)

// ErrChanged is of what was not the same after it was read. Such errors name it, and are
// of kind problem.ErrInvalid.
var ErrChanged = errors.New("changed while it was read")

// File is a regular file that is read once, from its beginning to its end.
type File struct {
	in     *os.File
	before fs.FileInfo
	read   int64
}

// Open opens a regular file. Its errors say by name what else it is, and are of kind
// problem.ErrInvalid.
func Open(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, Unreadable(path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, notFile(path, info.Mode())
	}
	in, err := os.Open(path)
	if err != nil {
		return nil, Unreadable(path, err)
	}
	before, err := settle(path, in.Stat)
	if err == nil && !before.Mode().IsRegular() { // it was replaced just now
		err = Changed(path)
	}
	if err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return &File{in: in, before: before}, nil
}

// Size is how many bytes the file had when it was opened.
func (f *File) Size() int64 { return f.before.Size() }

// Read gives an error that is ErrChanged in place of io.EOF if the file, or what has its
// name, is not what it was when it was opened.
func (f *File) Read(buf []byte) (int, error) {
	n, err := f.in.Read(buf)
	f.read += int64(n)
	switch {
	case err == nil:
		return n, nil
	case errors.Is(err, io.EOF):
		return n, f.end()
	}
	return n, fmt.Errorf("read %s: %w", f.Name(), cause(err))
}

// Finish tells, once as much was read as the file had, whether that was all and the file
// is still the same.
func (f *File) Finish() error {
	var more [1]byte
	n, err := f.Read(more[:])
	if n > 0 {
		return Changed(f.Name())
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// ReadAt is as that of os.File.
func (f *File) ReadAt(buf []byte, at int64) (int, error) { return f.in.ReadAt(buf, at) }

// Name is the path that was opened.
func (f *File) Name() string { return f.in.Name() }

// Close ends the reading.
func (f *File) Close() error { return f.in.Close() }

// end is io.EOF, or how the file has changed.
func (f *File) end() error {
	after, err := f.in.Stat()
	if err != nil {
		return fmt.Errorf("read %s: %w", f.Name(), cause(err))
	}
	named, err := os.Stat(f.Name())
	if err != nil || !same(f.before, after) || !same(f.before, named) {
		return Changed(f.Name())
	}
	// Files of /proc and the like have content and no size.
	if f.read != f.Size() && f.Size() > 0 {
		return Changed(f.Name())
	}
	return io.EOF
}

// Changed is an error of something that has changed.
func Changed(path string) error {
	return problem.Invalid("wait until nothing writes to it any more, or make a copy of it and use that", "%s %w", path, ErrChanged)
}
