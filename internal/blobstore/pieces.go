package blobstore

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/anthill-grid/anthill/internal/blob"
)

// syncEvery is how many bytes of a blob are written before they are synced,
// and so the most that is hashed again for it after a crash.
const syncEvery = 64 << 20

// Begin makes room for a blob whose pieces will come by WritePiece. It is no
// error if the blob is known.
func (s *Store) Begin(m blob.Manifest) error {
	id := m.ID()
	if _, err := s.create(id, m, s.beginFiles); err != nil {
		return fmt.Errorf("begin blob %s: %w", id.Short(), full(err))
	}
	return nil
}

// beginFiles makes what a new blob needs. A small one needs nothing before its
// piece comes, and an empty one has none to wait for.
func (s *Store) beginFiles(e *entry) error {
	if e.small() {
		if len(e.pieces) == 0 {
			return s.packUp([]parcel{{e.id, e.m, nil}})
		}
		return nil
	}
	if err := s.charge(e, e.overhead()); err != nil {
		return err
	}
	return s.makeFiles(e)
}

// makeFiles makes those of a larger blob, which has no piece yet.
func (s *Store) makeFiles(e *entry) error {
	if err := s.makeFolder(e.id); err != nil {
		return err
	}
	if err := makeSparse(s.path(e.id, dataExt), e.m.Size); err != nil {
		return err
	}
	s.mu.Lock()
	both := e.bitmaps()
	s.mu.Unlock()
	if err := s.writeFile(s.path(e.id, haveExt), both); err != nil {
		return err
	}
	return s.writeFile(s.path(e.id, manifestExt), e.m.Encode())
}

func makeSparse(path string, size int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Truncate(size), f.Close())
}

// WritePiece stores piece i of a blob that Begin knows, after comparing its
// hash. A wrong piece gives an error that wraps blob.ErrInvalid.
func (s *Store) WritePiece(id blob.ID, i int, data []byte) error {
	e, err := s.acquire(id)
	if err != nil {
		return fmt.Errorf("write piece %d of blob %s: %w", i, id.Short(), err)
	}
	defer e.release()
	if err := e.m.Verify(i, data); err != nil {
		return fmt.Errorf("blob %s: %w", id.Short(), err)
	}
	if err := s.write(e, i, data); err != nil {
		return fmt.Errorf("write piece %d of blob %s: %w", i, id.Short(), full(err))
	}
	return nil
}

// write stores a verified piece. The caller holds e.io.
func (s *Store) write(e *entry, i int, data []byte) error {
	if e.small() {
		return s.writeSmall(e, data)
	}
	if s.hasPiece(e, i) {
		return nil
	}
	cost := blocks(int64(len(data)))
	if err := s.charge(e, cost); err != nil {
		return err
	}
	err := pwrite(s.path(e.id, dataExt), data, e.m.PieceOffset(i))
	if errors.Is(err, os.ErrNotExist) {
		if err = s.remake(e); err == nil {
			err = pwrite(s.path(e.id, dataExt), data, e.m.PieceOffset(i))
		}
	}
	s.mu.Lock()
	if err != nil || !e.gain(i, checked) {
		s.refund(e, cost)
	}
	due := e.pending >= syncEvery || e.complete()
	s.mu.Unlock()
	if err != nil {
		return err
	}
	if due {
		return s.sync(e)
	}
	return s.saveBitmaps(e)
}

func pwrite(path string, data []byte, off int64) error {
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteAt(data, off)
	return errors.Join(err, f.Close())
}

// remake makes the files of a blob again after something outside has removed its data,
// and forgets its pieces. The caller holds e.io.
func (s *Store) remake(e *entry) error {
	e.write.Lock()
	defer e.write.Unlock()
	if _, err := os.Stat(s.path(e.id, dataExt)); !errors.Is(err, os.ErrNotExist) {
		return err // another call has made it
	}
	s.lose(e, 0, len(e.pieces))
	if err := s.makeFiles(e); err != nil {
		s.clear(e.id) // so that it is tried again
		return err
	}
	return s.syncNames(e.id)
}

// bitmaps is what the bitmap file holds. mu must be held once e is shared.
func (e *entry) bitmaps() []byte {
	return append(e.bitmap(synced), e.bitmap(present)...)
}

// saveBitmaps overwrites the bitmap file in place: a torn write mixes two
// states that were both true.
func (s *Store) saveBitmaps(e *entry) error {
	e.write.Lock()
	defer e.write.Unlock()
	s.mu.Lock()
	both := e.bitmaps()
	s.mu.Unlock()
	return pwrite(s.path(e.id, haveExt), both, 0)
}

// ReadPiece gives piece i. If the bytes on disk are no longer what they should
// be, the piece is forgotten and the answer is ErrNotFound.
func (s *Store) ReadPiece(id blob.ID, i int) ([]byte, error) {
	e, err := s.acquire(id)
	if err != nil {
		return nil, fmt.Errorf("read piece %d of blob %s: %w", i, id.Short(), err)
	}
	defer e.release()
	data, err := s.read(e, i)
	if err != nil {
		return nil, fmt.Errorf("read piece %d of blob %s: %w", i, id.Short(), err)
	}
	return data, nil
}

// read gives a verified piece. The caller holds e.io.
func (s *Store) read(e *entry, i int) ([]byte, error) {
	if e.small() {
		return s.readSmall(e, i)
	}
	if !s.hasPiece(e, i) {
		return nil, ErrNotFound
	}
	data, err := s.readAt(e, i)
	if errors.Is(err, errOpen) {
		return nil, err
	}
	if err == nil {
		err = e.m.Verify(i, data)
	}
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, errors.Join(err, s.remake(e)))
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotFound, errors.Join(err, s.forget(e, i)))
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.has(i) {
		e.pieces[i] |= checked
	}
	return data, nil
}

// errOpen is an error that says nothing about the bytes, such as too many open
// files.
var errOpen = errors.New("open")

func (s *Store) readAt(e *entry, i int) ([]byte, error) {
	f, err := os.Open(s.path(e.id, dataExt))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", errOpen, err)
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data := make([]byte, e.m.PieceLen(i))
	_, err = io.ReadFull(io.NewSectionReader(f, e.m.PieceOffset(i), int64(len(data))), data)
	return data, err
}

// forget drops a piece whose bytes on disk are wrong.
func (s *Store) forget(e *entry, i int) error {
	s.lose(e, i, i+1)
	return s.saveBitmaps(e)
}

// lose gives back what the pieces [first, end) cost.
func (s *Store) lose(e *entry, first, end int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := first; i < end; i++ {
		if e.lose(i) {
			s.refund(e, blocks(e.m.PieceLen(i)))
		}
	}
}

func (s *Store) hasPiece(e *entry, i int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.has(i)
}
