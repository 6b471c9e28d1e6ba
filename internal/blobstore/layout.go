package blobstore

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Blobs of at most one piece lie in packs. Others lie in up to 256 folders, named
// after the first two digits of their ids. The ends of the file names:
const (
	dataExt     = ".data"     // the pieces, sparse
	haveExt     = ".have"     // two bitmaps: pieces synced, pieces written
	manifestExt = ".manifest" // made last: without it the others are litter
	wholeExt    = ".blob"     // a blob of one piece, as they were once kept

	packFolder = "packs"
	copyFolder = "copies" // of small blobs that are wanted as a file
	tempFolder = "tmp"
	block      = 4096
)

func (s *Store) path(id blob.ID, ext string) string {
	name := id.String()
	return filepath.Join(s.dir, name[:2], name+ext)
}

func (s *Store) copyPath(id blob.ID) string {
	return filepath.Join(s.dir, copyFolder, id.String())
}

// files lists all that a blob may have on disk for itself.
func (s *Store) files(e *entry) []string {
	switch {
	case !e.small():
		return s.largeFiles(e.id)
	case e.copied:
		return []string{s.copyPath(e.id)}
	}
	return nil
}

// largeFiles starts with the manifest: a crash in the middle of a removal then
// leaves litter and no blob.
func (s *Store) largeFiles(id blob.ID) []string {
	return []string{s.path(id, manifestExt), s.path(id, haveExt), s.path(id, dataExt)}
}

// empty makes a folder for files that do not outlive the process, or empties it.
func (s *Store) empty(folder string) error {
	path := filepath.Join(s.dir, folder)
	return errors.Join(os.RemoveAll(path), os.MkdirAll(path, 0o700))
}

// makeFolder makes the folder for a blob if it is the first one in it.
func (s *Store) makeFolder(id blob.ID) error {
	err := os.Mkdir(filepath.Dir(s.path(id, "")), 0o700)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// writeFile replaces a file whole or not at all, and makes it durable.
func (s *Store) writeFile(path string, data []byte) error { return s.replaceFile(path, data, true) }

func (s *Store) replaceFile(path string, data []byte, durable bool) error {
	f, err := os.CreateTemp(filepath.Join(s.dir, tempFolder), "")
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if durable {
		err = errors.Join(err, f.Sync())
	}
	err = errors.Join(err, f.Close())
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

// overhead is what a larger blob takes on disk besides its pieces.
func (e *entry) overhead() int64 {
	return blocks(int64(len(e.m.Encode()))) + blocks(2*int64(len(blob.NewBitmap(len(e.pieces)))))
}

// parseName splits a file name into the blob's id and the kind of file.
func parseName(name string) (blob.ID, string, bool) {
	ext := filepath.Ext(name)
	id, err := blob.ParseID(strings.TrimSuffix(name, ext))
	return id, ext, err == nil
}
