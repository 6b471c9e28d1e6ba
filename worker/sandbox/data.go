package sandbox

import (
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"time"

	experimentalsys "github.com/tetratelabs/wazero/experimental/sys"
	"github.com/tetratelabs/wazero/sys"

	"github.com/anthill-grid/anthill/worker/sandbox/prices"
)

// filesOpen is how many files and directories a guest may have open at a time: the
// same everywhere, and fewer than the system allows the child.
const filesOpen = 256

// dataFS is the guest's /data: one flat, read-only directory. Names are looked
// up in a map and never joined to a path, so there is nothing to escape from.
// Times, owners and inodes of the host do not show.
type dataFS struct {
	paths map[string]string
	infos map[string]fileInfo
	names []string // sorted
	open  int      // files and directories
	bill  *prices.Bill
	err   error // first failure of the host, which the guest sees as EIO
}

// openData makes sure that every file is there before the guest starts.
func openData(paths map[string]string) (*dataFS, error) {
	d := &dataFS{paths: paths, infos: make(map[string]fileInfo, len(paths))}
	for name := range paths {
		d.names = append(d.names, name)
	}
	slices.Sort(d.names)
	for i, name := range d.names {
		info, err := os.Stat(paths[name])
		if err != nil {
			return nil, fmt.Errorf("open data file %q: %w", name, err)
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("open data file %q: %s is not a regular file", name, paths[name])
		}
		d.infos[name] = fileInfo{name: name, size: info.Size(), mode: 0o444, inode: uint64(i) + 2}
	}
	return d, nil
}

// Open implements fs.FS. A guest with too many files open gets EIO: the engine has
// no name for EMFILE.
func (d *dataFS) Open(name string) (fs.File, error) {
	if d.open == filesOpen {
		return nil, &fs.PathError{Op: "open", Path: name, Err: experimentalsys.EIO}
	}
	f, err := d.find(name)
	if err == nil {
		d.open++
	}
	return f, err
}

func (d *dataFS) find(name string) (fs.File, error) {
	if name == "." {
		return &dataDir{fs: d}, nil
	}
	info, ok := d.infos[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	f, err := os.Open(d.paths[name])
	if err != nil {
		return nil, d.fail(err)
	}
	d.bill.Add(prices.Open)
	return &dataFile{fs: d, info: info, file: f, section: io.NewSectionReader(f, 0, info.size)}, nil
}

func (d *dataFS) fail(err error) error {
	if d.err == nil && err != nil && err != io.EOF {
		d.err = err
	}
	return err
}

// charge is for reading: beyond the end of a file nobody asks the system.
func (d *dataFS) charge(n int) {
	if n > 0 {
		d.bill.Add(prices.File + prices.Bytes(n))
	}
}

// dataFile reads one file. It has no methods that write.
type dataFile struct {
	fs      *dataFS
	info    fileInfo
	file    *os.File
	section *io.SectionReader
}

// The methods of fs.File, io.ReaderAt and io.Seeker.

func (f *dataFile) Stat() (fs.FileInfo, error) { return f.info, nil }

// Close is called once.
func (f *dataFile) Close() error {
	f.fs.open--
	f.fs.bill.Add(prices.File)
	return f.file.Close()
}

func (f *dataFile) Read(p []byte) (int, error) {
	n, err := f.section.Read(p)
	f.fs.charge(n)
	return n, f.fs.fail(err)
}

func (f *dataFile) ReadAt(p []byte, offset int64) (int, error) {
	n, err := f.section.ReadAt(p, offset)
	f.fs.charge(n)
	if offset < 0 {
		return n, err // the guest's mistake
	}
	return n, f.fs.fail(err)
}

func (f *dataFile) Seek(offset int64, whence int) (int64, error) {
	return f.section.Seek(offset, whence)
}

// dataDir is the directory itself.
type dataDir struct {
	fs   *dataFS
	next int
}

// The methods of fs.ReadDirFile.

func (d *dataDir) Stat() (fs.FileInfo, error) {
	return fileInfo{name: ".", mode: fs.ModeDir | 0o555, inode: 1}, nil
}

func (d *dataDir) Read([]byte) (int, error) {
	return 0, &fs.PathError{Op: "read", Path: ".", Err: fs.ErrInvalid}
}

func (d *dataDir) Close() error {
	d.fs.open--
	return nil
}

func (d *dataDir) ReadDir(n int) ([]fs.DirEntry, error) {
	names := d.fs.names[d.next:]
	if n > 0 {
		if len(names) == 0 {
			return nil, io.EOF
		}
		names = names[:min(n, len(names))]
	}
	d.next += len(names)
	d.fs.bill.Add(int64(len(names)) * prices.Entry)
	entries := make([]fs.DirEntry, 0, len(names))
	for _, name := range names {
		entries = append(entries, fs.FileInfoToDirEntry(d.fs.infos[name]))
	}
	return entries, nil
}

// fileInfo tells the guest a file's name and size and constants for the rest.
type fileInfo struct {
	name  string
	size  int64
	mode  fs.FileMode
	inode uint64
}

// The methods of fs.FileInfo.

func (i fileInfo) Name() string       { return i.name }
func (i fileInfo) Size() int64        { return i.size }
func (i fileInfo) Mode() fs.FileMode  { return i.mode }
func (i fileInfo) ModTime() time.Time { return time.Unix(0, 0) }
func (i fileInfo) IsDir() bool        { return i.mode.IsDir() }

// Sys gives the engine all fields, so that it makes none up.
func (i fileInfo) Sys() any {
	return &sys.Stat_t{Ino: i.inode, Mode: i.mode, Nlink: 1, Size: i.size}
}
