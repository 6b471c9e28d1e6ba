package blobstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Blobs lie in up to 256 folders, named after the first two digits of their ids. The
// ends of the file names:
const (
	wholeExt    = ".blob"     // a blob of at most one piece
	dataExt     = ".data"     // the pieces of a larger one, sparse
	haveExt     = ".have"     // two bitmaps: pieces synced, pieces written
	manifestExt = ".manifest" // made last: without it the others are litter

	tempFolder = "tmp"
	block      = 4096
)

func (s *Store) path(id blob.ID, ext string) string {
	name := id.String()
	return filepath.Join(s.dir, name[:2], name+ext)
}

// files lists all that a blob may have on disk.
func (s *Store) files(e *entry) []string {
	if e.single() {
		return []string{s.path(e.id, wholeExt)}
	}
	return s.largeFiles(e.id)
}

// largeFiles starts with the manifest: a crash in the middle of a removal then
// leaves litter and no blob.
func (s *Store) largeFiles(id blob.ID) []string {
	return []string{s.path(id, manifestExt), s.path(id, haveExt), s.path(id, dataExt)}
}

// dataPath is the file in which the blob's bytes lie at their own offsets.
func (s *Store) dataPath(e *entry) string {
	if e.single() {
		return s.path(e.id, wholeExt)
	}
	return s.path(e.id, dataExt)
}

// emptyTemp makes the folder for unfinished files, or empties it.
func (s *Store) emptyTemp() error {
	temp := filepath.Join(s.dir, tempFolder)
	return errors.Join(os.RemoveAll(temp), os.MkdirAll(temp, 0o700))
}

// makeFolder makes the folder for a blob if it is the first one in it.
func (s *Store) makeFolder(id blob.ID) error {
	err := os.Mkdir(filepath.Dir(s.path(id, "")), 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// writeFile replaces a file whole or not at all.
func (s *Store) writeFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Join(s.dir, tempFolder), "")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	err = errors.Join(err, f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// blocks is what n bytes take on disk.
func blocks(n int64) int64 { return (n + block - 1) / block * block }

// overhead is what a blob takes on disk besides its pieces.
func (e *entry) overhead() int64 {
	if e.single() {
		return 0
	}
	return blocks(int64(len(e.m.Encode()))) + blocks(2*int64(len(blob.NewBitmap(len(e.pieces)))))
}

// parseName splits a file name into the blob's id and the kind of file.
func parseName(name string) (blob.ID, string, bool) {
	ext := filepath.Ext(name)
	id, err := blob.ParseID(strings.TrimSuffix(name, ext))
	return id, ext, err == nil
}
