package blobstore

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Put stores data and makes it durable.
func (s *Store) Put(data []byte) (blob.Ref, error) {
	refs, err := s.PutMany([][]byte{data})
	if err != nil {
		return blob.Ref{}, err
	}
	return refs[0], nil
}

// PutMany stores several blobs and makes all of them durable at once. None of
// them is evicted for the sake of another. That some are barred is an error, and the others
// are stored all the same.
func (s *Store) PutMany(all [][]byte) ([]blob.Ref, error) {
	refs := make([]blob.Ref, len(all))
	var ids []blob.ID
	var small []parcel
	var barred error
	for i, data := range all {
		m := blob.Of(data)
		refs[i] = m.Ref()
		id := refs[i].ID
		if err := s.admit(id); err != nil {
			barred = errors.Join(barred, fmt.Errorf("put: %w", err))
			continue
		}
		ids = append(ids, id)
		s.Pin(id)
		defer s.Unpin(id)
		if m.Size <= blob.MinPiece {
			small = append(small, parcel{id, m, data})
		} else if err := s.put(id, m, data); err != nil {
			return nil, fmt.Errorf("put blob %s: %w", id.Short(), full(err))
		}
	}
	if err := s.packUp(s.missing(small)); err != nil {
		return nil, fmt.Errorf("put %d small blobs: %w", len(small), full(err))
	}
	if err := s.syncAll(ids); err != nil {
		return nil, err
	}
	return refs, barred
}

// put stores a larger blob, of which m is the manifest. The caller has pinned it.
func (s *Store) put(id blob.ID, m blob.Manifest, data []byte) error {
	if err := s.Begin(m); err != nil {
		return err
	}
	e, err := s.acquire(id)
	if err != nil {
		return err
	}
	defer e.release()
	for i := range m.Pieces {
		off := m.PieceOffset(i)
		if err := s.write(e, i, data[off:off+m.PieceLen(i)]); err != nil {
			return err
		}
	}
	return nil
}

// Import stores all that r gives, without holding it in memory, and makes it
// durable.
func (s *Store) Import(r io.Reader) (blob.Ref, error) {
	f, err := os.CreateTemp(filepath.Join(s.dir, tempFolder), "")
	if err != nil {
		return blob.Ref{}, fmt.Errorf("import blob: %w", err)
	}
	ref, err := s.importBy(f, r)
	if err != nil {
		err = fmt.Errorf("import blob: %w", full(err))
	}
	// After a success the file may have become the blob's own.
	_ = f.Close()
	if rm := os.Remove(f.Name()); rm != nil && !errors.Is(rm, os.ErrNotExist) {
		err = errors.Join(err, rm)
	}
	return ref, err
}

// importBy copies r to the temporary file f, and from there makes a blob.
func (s *Store) importBy(f *os.File, r io.Reader) (blob.Ref, error) {
	w := &meteredWriter{store: s, to: f}
	defer w.refund()
	size, err := io.Copy(w, io.LimitReader(r, blob.MaxSize+1))
	if err != nil {
		return blob.Ref{}, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return blob.Ref{}, err
	}
	m, err := blob.Build(f, size)
	if err != nil {
		return blob.Ref{}, err
	}
	ref := m.Ref()
	s.Pin(ref.ID)
	defer s.Unpin(ref.ID)
	if size > blob.MinPiece {
		created, err := s.create(ref.ID, m, func(e *entry) error { return s.adopt(e, f, w) })
		if created || err != nil {
			return ref, err
		}
	}
	w.refund()
	if err := s.copyFrom(f, m, ref.ID); err != nil {
		return blob.Ref{}, err
	}
	return ref, s.Sync(ref.ID)
}

// adopt makes the imported file the data file of a new blob, which takes over
// the quota that w had reserved.
func (s *Store) adopt(e *entry, f *os.File, w *meteredWriter) error {
	if err := s.charge(e, e.overhead()+blocks(e.m.Size)-w.reserved); err != nil {
		return err
	}
	if err := errors.Join(s.makeFolder(e.id), f.Sync(), f.Close()); err != nil {
		return err
	}
	s.mu.Lock()
	for i := range e.pieces {
		e.gain(i, synced|checked)
	}
	s.mu.Unlock()
	if err := os.Rename(f.Name(), s.path(e.id, dataExt)); err != nil {
		return err
	}
	if err := s.writeFile(s.path(e.id, haveExt), e.bitmaps()); err != nil {
		return err
	}
	if err := s.writeFile(s.path(e.id, manifestExt), e.m.Encode()); err != nil {
		return err
	}
	s.mu.Lock()
	e.charged += w.reserved
	s.mu.Unlock()
	w.reserved = 0
	return s.syncNames(e.id)
}

// copyFrom writes the pieces that a blob lacks, from the imported file.
func (s *Store) copyFrom(f *os.File, m blob.Manifest, id blob.ID) error {
	if err := s.Begin(m); err != nil {
		return err
	}
	for i := range m.Pieces {
		data := make([]byte, m.PieceLen(i))
		if _, err := f.ReadAt(data, m.PieceOffset(i)); err != nil {
			return err
		}
		if err := s.WritePiece(id, i, data); err != nil {
			return err
		}
	}
	return nil
}

// meteredWriter reserves quota for what it writes.
type meteredWriter struct {
	store    *Store
	to       io.Writer
	reserved int64
}

func (w *meteredWriter) Write(p []byte) (int, error) {
	w.store.mu.Lock()
	err := w.store.reserve(int64(len(p)))
	w.store.mu.Unlock()
	if err != nil {
		return 0, err
	}
	w.reserved += int64(len(p))
	return w.to.Write(p)
}

// refund gives back what no blob took over.
func (w *meteredWriter) refund() {
	w.store.mu.Lock()
	defer w.store.mu.Unlock()
	w.store.used -= w.reserved
	w.reserved = 0
}
