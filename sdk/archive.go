package sdk

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"
)

// archive gives a directory as one stream: a tar file in the order of the names,
// without times and owners, so that equal directories become equal blobs.
// Anything but files, directories and symbolic links is an error.
func archive(dir string) io.ReadCloser {
	out, in := io.Pipe()
	go func() {
		w := tar.NewWriter(in)
		err := fs.WalkDir(os.DirFS(dir), ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || name == "." {
				return err
			}
			return archiveOne(w, dir, name, d)
		})
		in.CloseWithError(errors.Join(err, w.Close()))
	}()
	return out
}

func archiveOne(w *tar.Writer, dir, name string, d fs.DirEntry) error {
	info, err := d.Info()
	if err != nil {
		return err
	}
	full := filepath.Join(dir, filepath.FromSlash(name))
	header := &tar.Header{Name: name, Mode: 0o644, ModTime: time.Unix(0, 0), Format: tar.FormatPAX}
	switch {
	case info.IsDir():
		header.Typeflag, header.Name, header.Mode = tar.TypeDir, name+"/", 0o755
		return w.WriteHeader(header)
	case info.Mode()&fs.ModeSymlink != 0:
		header.Typeflag = tar.TypeSymlink
		if header.Linkname, err = os.Readlink(full); err != nil {
			return err
		}
		header.Linkname = filepath.ToSlash(header.Linkname)
		if err := checkLink(name, header.Linkname); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		return w.WriteHeader(header)
	case !info.Mode().IsRegular():
		return fmt.Errorf("%s is neither a file nor a directory", name)
	}
	if info.Mode()&0o111 != 0 {
		header.Mode = 0o755
	}
	header.Typeflag, header.Size = tar.TypeReg, info.Size()
	file, err := os.Open(full)
	if err != nil {
		return err
	}
	defer file.Close()
	if err := w.WriteHeader(header); err != nil {
		return err
	}
	if _, err = io.Copy(w, file); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// errNotArchive: the blob is not a directory that was put.
var errNotArchive = errors.New("it is not an archive of a directory")

// unpack makes the directory of an archive, which must not be there. The archive
// may be anybody's: nothing of it leaves the directory.
func unpack(in io.Reader, dir string) (err error) {
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
		if err := unpackOne(root, header, r); err != nil {
			return fmt.Errorf("unpack %q: %w", header.Name, err)
		}
	}
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
