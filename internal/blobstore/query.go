package blobstore

import (
	"fmt"
	"io"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Manifest gives the manifest of a blob of which the store may have any share.
func (s *Store) Manifest(id blob.ID) (blob.Manifest, error) {
	m, _, err := s.Have(id)
	return m, err
}

// Have tells which pieces of a blob are there; the bitmap is the caller's.
func (s *Store) Have(id blob.ID) (blob.Manifest, blob.Bitmap, error) {
	e, err := s.acquire(id)
	if err != nil {
		return blob.Manifest{}, nil, fmt.Errorf("blob %s: %w", id.Short(), err)
	}
	defer e.release()
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.m, e.bitmap(present), nil
}

// Complete tells whether all of a blob is there.
func (s *Store) Complete(id blob.ID) bool {
	e, err := s.acquire(id)
	if err != nil {
		return false
	}
	defer e.release()
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.complete()
}

// ReadRange gives the bytes [off, off+n), or to the blob's end if n < 0. It is
// ErrNotFound if any piece that holds some of them is missing, and an error
// that wraps blob.ErrInvalid if the range does not lie within the blob.
func (s *Store) ReadRange(id blob.ID, off, n int64) ([]byte, error) {
	e, err := s.acquire(id)
	if err != nil {
		return nil, fmt.Errorf("read blob %s: %w", id.Short(), err)
	}
	defer e.release()
	if n < 0 {
		n = e.m.Size - off
	}
	if off < 0 || off > e.m.Size || n > e.m.Size-off {
		return nil, fmt.Errorf("read blob %s: %w: [%d,+%d) of %d bytes", id.Short(), blob.ErrInvalid, off, n, e.m.Size)
	}
	first, end := e.m.Covering(off, n)
	var out []byte
	for i := first; i < end; i++ {
		data, err := s.read(e, i)
		if err != nil {
			return nil, fmt.Errorf("read piece %d of blob %s: %w", i, id.Short(), err)
		}
		if end-first == 1 {
			skip := off - e.m.PieceOffset(i)
			return data[skip : skip+n], nil
		}
		if out == nil {
			out = make([]byte, n)
		}
		place(out, data, e.m.PieceOffset(i)-off)
	}
	return out, nil
}

// place copies data, which starts at off of out's range, as far as it overlaps.
func place(out, data []byte, off int64) {
	if off < 0 {
		data, off = data[-off:], 0
	}
	copy(out[off:], data)
}

// CopyTo writes a whole blob to w, piece by piece, each checked by its hash.
func (s *Store) CopyTo(w io.Writer, id blob.ID) error {
	m, err := s.Manifest(id)
	if err != nil {
		return err
	}
	for i := range m.Pieces {
		data, err := s.ReadPiece(id, i)
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// Dir is the directory that all of the store's files are in.
func (s *Store) Dir() string { return s.dir }

// Path gives the file that holds a complete blob's bytes, for reading in place; a
// small blob gets one for it. Every piece has been hashed since the store was
// opened. Pin the blob for as long as the path is in use.
func (s *Store) Path(id blob.ID) (string, error) {
	e, err := s.acquire(id)
	if err != nil {
		return "", fmt.Errorf("path of blob %s: %w", id.Short(), err)
	}
	defer e.release()
	for i := range e.m.Pieces {
		s.mu.Lock()
		state := e.pieces[i]
		s.mu.Unlock()
		if state&(present|checked) == present|checked {
			continue
		}
		if _, err := s.read(e, i); err != nil {
			return "", fmt.Errorf("path of blob %s: piece %d: %w", id.Short(), i, err)
		}
	}
	if e.small() {
		return s.copyOut(e)
	}
	return s.path(e.id, dataExt), nil
}

// Recent lists up to n blobs of which the store has something, the one used
// last first.
func (s *Store) Recent(n int) []blob.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []blob.ID
	for at := s.recent.Front(); at != nil && len(ids) < n; at = at.Next() {
		e := at.Value.(*entry)
		if !e.loaded || e.count > 0 || len(e.pieces) == 0 {
			ids = append(ids, e.id)
		}
	}
	return ids
}
