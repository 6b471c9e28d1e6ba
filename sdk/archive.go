package sdk

import (
	"archive/tar"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/steady"
)

const (
	// maxEntries bounds the files, directories and links of an archive, and maxDepth how
	// deep they lie: half a kilobyte of an archive can make a directory of eight times as
	// much, and the room on the disk is looked for by bytes.
	maxEntries = 1_000_000
	maxDepth   = 255
)

// errEntries is of archives with too many of them.
var errEntries = fmt.Errorf("it has more than %d files and directories", maxEntries)

// archive gives a directory as one stream: a tar file in the order of the names,
// without times and owners, so that equal directories become equal blobs.
// Anything but files, directories and symbolic links is an error, and so is a change
// anywhere in the directory before all of it was read.
func archive(dir string) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		a := &archiver{dir: dir, out: tar.NewWriter(in), seed: maphash.MakeSeed()}
		in.CloseWithError(a.run())
	}()
	return out
}

// archiver writes one archive.
type archiver struct {
	dir  string
	out  *tar.Writer
	seed maphash.Seed
	seen []uint64 // what each entry was like, in the order of the walk
}

func (a *archiver) run() error {
	if err := a.walk(a.add); err != nil {
		return err
	}
	if err := a.out.Close(); err != nil {
		return err
	}
	return a.compare()
}

// walk visits the directory and all in it.
func (a *archiver) walk(visit func(name, full string) error) error {
	return fs.WalkDir(os.DirFS(a.dir), ".", func(name string, _ fs.DirEntry, err error) error {
		full := filepath.Join(a.dir, filepath.FromSlash(name))
		if err != nil {
			return a.vanished(full, err)
		}
		return a.vanished(full, visit(name, full))
	})
}

// vanished tells of an entry that was there a moment ago.
func (a *archiver) vanished(full string, err error) error {
	if err == nil {
		return nil
	}
	if _, gone := os.Lstat(full); errors.Is(gone, fs.ErrNotExist) {
		return steady.Changed(full)
	}
	var path *fs.PathError
	if errors.As(err, &path) {
		return steady.Unreadable(full, path.Err)
	}
	return err
}

// look describes an entry. The directory itself may be a link to one.
func (a *archiver) look(name, full string) (fs.FileInfo, error) {
	if name == "." {
		full += string(filepath.Separator)
	}
	return steady.Look(full)
}

// add writes an entry.
func (a *archiver) add(name, full string) error {
	info, err := a.look(name, full)
	if err != nil {
		return err
	}
	a.seen = append(a.seen, a.sum(name, info))
	if name == "." {
		return nil
	}
	if len(a.seen) > maxEntries || strings.Count(name, "/") > maxDepth {
		return invalid("put it into the grid in several parts, or as a file of your own making, such as a tar file", "%s: %w, or they lie deeper than %d", a.dir, errEntries, maxDepth)
	}
	return a.write(name, full, info)
}

// sum is of all by which a change shows.
func (a *archiver) sum(name string, info fs.FileInfo) uint64 {
	return maphash.Comparable(a.seed, struct {
		name  string
		state steady.State
	}{name, steady.StateOf(info)})
}

// compare looks at everything again.
func (a *archiver) compare() error {
	at := 0
	return a.walk(func(name, full string) error {
		info, err := a.look(name, full)
		if err != nil {
			return err
		}
		if at == len(a.seen) || a.sum(name, info) != a.seen[at] {
			return steady.Changed(full)
		}
		at++
		return nil
	})
}

func (a *archiver) write(name, full string, info fs.FileInfo) error {
	header := &tar.Header{Name: name, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	switch {
	case info.IsDir():
		header.Typeflag, header.Name, header.Mode = tar.TypeDir, name+"/", 0o755
		return a.out.WriteHeader(header)
	case info.Mode()&fs.ModeSymlink != 0:
		return a.writeLink(header, full)
	case !info.Mode().IsRegular():
		return invalid("take it out of the directory, or name the files one by one", "%s: it is %s", full, steady.Describe(info.Mode()))
	}
	if info.Mode()&0o111 != 0 {
		header.Mode = 0o755
	}
	header.Typeflag = tar.TypeReg
	return a.writeFile(header, full)
}

func (a *archiver) writeLink(header *tar.Header, full string) error {
	target, err := os.Readlink(full)
	if err != nil {
		return err
	}
	header.Typeflag, header.Linkname = tar.TypeSymlink, filepath.ToSlash(target)
	if err := checkLink(header.Name, header.Linkname); err != nil {
		return invalid("put what it points to in its place, or take it out of the directory", "%s: %w", full, err)
	}
	return a.out.WriteHeader(header)
}

func (a *archiver) writeFile(header *tar.Header, full string) error {
	in, err := steady.Open(full)
	if err != nil {
		return err
	}
	defer in.Close()
	header.Size = in.Size()
	if err := a.out.WriteHeader(header); err != nil {
		return err
	}
	// A file that has grown gives no more than it had, and then an error.
	if _, err := io.CopyN(a.out, in, header.Size); errors.Is(err, io.EOF) {
		return steady.Changed(full)
	} else if err != nil {
		return err
	}
	return in.Finish()
}

// errNotArchive: the blob is not a directory that was put.
var errNotArchive = errors.New("it is not an archive of a directory")

// unpack makes the directory of an archive, which must not be there. The archive
// may be anybody's: nothing of it leaves the directory.
func unpack(in io.Reader, dir string) error { return unpackAtMost(in, dir, maxEntries) }

// unpackAtMost takes so many entries, those included that are made for others to lie in.
func unpackAtMost(in io.Reader, dir string, left int) (err error) {
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	r := tar.NewReader(in)
	for {
		header, err := r.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %w", errNotArchive, err)
		}
		depth := strings.Count(path.Clean(header.Name), "/")
		if left -= 1 + newParents(root, header.Name, depth); left < 0 || depth > maxDepth {
			return fmt.Errorf("unpack: %w, or they lie deeper than %d", errEntries, maxDepth)
		}
		if err := unpackOne(root, header, r); err != nil {
			return fmt.Errorf("unpack %q: %w", header.Name, err)
		}
	}
}

// newParents is how many directories an entry may need that are not there.
func newParents(root *os.Root, name string, depth int) int {
	if _, err := root.Lstat(path.Dir(path.Clean(name))); err == nil {
		return 0
	}
	return depth
}

// checkLink refuses a symbolic link that leads out of the directory.
func checkLink(name, target string) error {
	if path.IsAbs(target) || !filepath.IsLocal(filepath.FromSlash(path.Join(path.Dir(name), target))) {
		return fmt.Errorf("it is a link that points out of the directory, to %q", target)
	}
	return nil
}

// plainParents refuses a name that leads through symbolic links: where a link in
// such a place points, its text does not say. Archives of directories have none.
func plainParents(root *os.Root, name string) error {
	for parent := path.Dir(name); parent != "." && parent != "/"; parent = path.Dir(parent) {
		if info, err := root.Lstat(parent); err == nil && !info.IsDir() {
			return fmt.Errorf("%q is not a directory", parent)
		}
	}
	return nil
}

func unpackOne(root *os.Root, header *tar.Header, content io.Reader) error {
	name := path.Clean(header.Name)
	for key := range header.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse.") {
			return errors.New("it is sparse: a small archive could fill the disk")
		}
	}
	if err := plainParents(root, name); err != nil {
		return err
	}
	if err := root.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch header.Typeflag {
	case tar.TypeDir:
		return root.MkdirAll(name, 0o755)
	case tar.TypeSymlink:
		if err := checkLink(name, header.Linkname); err != nil {
			return err
		}
		return root.Symlink(header.Linkname, name)
	case tar.TypeReg:
		file, err := root.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, fs.FileMode(header.Mode)&0o755|0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(file, content)
		return errors.Join(err, file.Close())
	}
	return fmt.Errorf("entries of kind %q are not for archives of directories", header.Typeflag)
}
