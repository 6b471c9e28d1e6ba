package blobstore

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore/pack"
)

// found is a blob that scan came upon.
type found struct {
	entry *entry
	used  time.Time
}

// scan fills the empty store from its directory. What was written last counts
// as used last.
func (s *Store) scan(segment int64) error {
	folders, err := os.ReadDir(s.dir)
	if err != nil {
		return err
	}
	all, err := s.openPacks(segment)
	if err != nil {
		return err
	}
	for _, folder := range folders {
		if !folder.IsDir() || len(folder.Name()) != 2 {
			continue
		}
		if all, err = s.scanFolder(filepath.Join(s.dir, folder.Name()), all); err != nil {
			return err
		}
	}
	// Stable: packs tell the order also of what was written at the same time.
	slices.SortStableFunc(all, func(a, b found) int { return a.used.Compare(b.used) })
	for _, f := range all {
		s.insert(f.entry)
		s.used += f.entry.charged
	}
	return s.packOld()
}

// openPacks lists what is in the packs.
func (s *Store) openPacks(segment int64) ([]found, error) {
	var all, again []found
	seen := make(map[blob.ID]*entry)
	packs, err := pack.Open(pack.Config{Dir: filepath.Join(s.dir, packFolder), Segment: segment}, func(f pack.Found) {
		if f.Size > blob.MinPiece {
			return
		}
		e := &entry{id: f.Key, m: blob.Manifest{Size: f.Size}, at: f.Place, charged: pack.Cost(f.Size)}
		if other := seen[e.id]; other != nil {
			e.at, other.at = other.at, e.at // the later one is the better one
			again = append(again, found{e, f.Written})
			return
		}
		seen[e.id] = e
		all = append(all, found{e, f.Written})
	})
	if err != nil {
		return nil, err
	}
	s.packs = packs
	for _, f := range again {
		packs.Drop(f.entry.at, f.entry.m.Size)
	}
	return all, nil
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
			s.old = append(s.old, id)
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
