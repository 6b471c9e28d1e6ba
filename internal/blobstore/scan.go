package blobstore

import (
	"cmp"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// found is a blob that scan came upon.
type found struct {
	entry *entry
	used  time.Time
}

// scan fills the empty store from its directory. What was written last counts
// as used last.
func (s *Store) scan() error {
	folders, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	var all []found
	for _, folder := range folders {
		if !folder.IsDir() || len(folder.Name()) != 2 {
			continue
		}
		if all, err = s.scanFolder(filepath.Join(s.dir, folder.Name()), all); err != nil {
			return err
		}
	}
	slices.SortFunc(all, func(a, b found) int {
		return cmp.Or(a.used.Compare(b.used), slices.Compare(a.entry.id[:], b.entry.id[:]))
	})
	for _, f := range all {
		s.insert(f.entry)
		s.used += f.entry.charged
	}
	return nil
}

func (s *Store) scanFolder(folder string, all []found) ([]found, error) {
	files, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		id, ext, ok := parseName(file.Name())
		if !ok {
			continue
		}
		switch ext {
		case wholeExt:
			all = s.scanWhole(id, file, all)
		case manifestExt:
			all = s.scanLarge(id, all)
		case dataExt, haveExt:
			if _, err := os.Stat(s.path(id, manifestExt)); errors.Is(err, os.ErrNotExist) {
				err = os.Remove(filepath.Join(folder, file.Name()))
				if err != nil {
					return nil, err
				}
			}
		}
	}
	return all, nil
}

// scanWhole takes a blob of one piece by its file's size alone: hundreds of
// thousands of them must not make Open slow. load reads it when it is asked for.
func (s *Store) scanWhole(id blob.ID, file os.DirEntry, all []found) []found {
	info, err := file.Info()
	if err != nil || info.Size() > blob.MinPiece {
		return all
	}
	e := &entry{id: id, m: blob.Manifest{Size: info.Size()}, charged: blocks(info.Size())}
	return append(all, found{e, info.ModTime()})
}

// load makes sure that a blob which acquire found is still in the store, and
// reads it if scanWhole took it at its word. A file that a crash left
// incomplete is not what its name says, and goes. The caller holds e.io.
func (s *Store) load(e *entry) error {
	if loaded, err := s.loaded(e); loaded || err != nil {
		return err
	}
	e.write.Lock()
	defer e.write.Unlock()
	if loaded, err := s.loaded(e); loaded || err != nil {
		return err
	}
	data, err := os.ReadFile(s.path(e.id, wholeExt))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	m := blob.Of(data)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || m.ID() != e.id {
		return errors.Join(ErrNotFound, s.remove(e))
	}
	e.m, e.loaded, e.pieces = m, true, make([]pieceState, len(m.Pieces))
	for i := range e.pieces {
		e.gain(i, checked|synced)
	}
	return nil
}

// loaded fails if the blob was removed.
func (s *Store) loaded(e *entry) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blobs[e.id] != e {
		return false, ErrNotFound
	}
	return e.loaded, nil
}

// scanLarge reads a larger blob's manifest and bitmaps. Pieces that were
// written after the last sync are hashed. What cannot be read is forgotten.
func (s *Store) scanLarge(id blob.ID, all []found) []found {
	encoded, err := os.ReadFile(s.path(id, manifestExt))
	if err != nil {
		return all
	}
	m, err := blob.Decode(id, encoded)
	info, statErr := os.Stat(s.path(id, dataExt))
	if err != nil || statErr != nil || info.Size() != m.Size {
		s.clear(id)
		return all
	}
	e := newEntry(id, m)
	e.charged = e.overhead()
	s.restore(e)
	return append(all, found{e, info.ModTime()})
}

// clear removes what is left of a blob that cannot be read. What stays is
// found again by the next Open.
func (s *Store) clear(id blob.ID) {
	for _, path := range s.largeFiles(id) {
		_ = os.Remove(path)
	}
}

// restore finds out which pieces are there.
func (s *Store) restore(e *entry) {
	both, err := os.ReadFile(s.path(e.id, haveExt))
	half := len(blob.NewBitmap(len(e.pieces)))
	if err != nil || len(both) != 2*half {
		both = make([]byte, 2*half)
	}
	sure, written := blob.Bitmap(both[:half]), blob.Bitmap(both[half:])
	for i := range e.pieces {
		switch {
		case sure.Has(i):
			e.gain(i, synced)
		case written.Has(i):
			if data, err := s.readAt(e, i); err != nil || e.m.Verify(i, data) != nil {
				continue
			}
			e.gain(i, checked)
		default:
			continue
		}
		e.charged += blocks(e.m.PieceLen(i))
	}
}
