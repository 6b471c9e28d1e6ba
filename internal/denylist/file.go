package denylist

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

// coarse is more than the steps in which file systems keep times: what was read within
// them of a change may have changed once more.
const coarse = 3 * time.Second

// File is a list that lies in a file, and is read again when that changes. It belongs to
// one goroutine.
type File struct {
	path string
	info fs.FileInfo // as it was when it was read
	read time.Time
	sum  [sha256.Size]byte
	list *List
}

// Open reads the list for the first time.
func Open(path string) (*File, []Fault, error) {
	f := &File{path: path, list: &List{}}
	_, faults, err := f.Look()
	return f, faults, err
}

// List is the list as it was last read.
func (f *File) List() *List { return f.list }

// Look reads the file again if it may have changed, and says whether it had. On an error
// the list stays as it was: a file that cannot be read lets nothing in.
func (f *File) Look() (changed bool, faults []Fault, err error) {
	info, err := os.Stat(f.path)
	if err != nil {
		return false, nil, fmt.Errorf("deny list: %w", err)
	}
	if f.settled(info) {
		return false, nil, nil
	}
	text, err := readAll(f.path)
	if err != nil {
		return false, nil, fmt.Errorf("deny list: %w", err)
	}
	read, sum := time.Now(), sha256.Sum256(text)
	if f.info != nil && sum == f.sum {
		f.info, f.read = info, read
		return false, nil, nil
	}
	list, faults, err := Parse(bytes.NewReader(text))
	if err != nil {
		return false, nil, fmt.Errorf("%s: %w", f.path, err)
	}
	f.info, f.read, f.sum, f.list = info, read, sum, list
	return true, faults, nil
}

// settled says whether the file is sure to be what it was.
func (f *File) settled(info fs.FileInfo) bool {
	return f.info != nil && os.SameFile(f.info, info) && f.info.Size() == info.Size() &&
		f.info.ModTime().Equal(info.ModTime()) && f.read.Sub(info.ModTime()) > coarse
}

func readAll(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }()
	return io.ReadAll(io.LimitReader(file, MaxSize+1))
}
