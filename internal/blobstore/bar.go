package blobstore

import (
	"errors"
	"fmt"

	"github.com/anthill-grid/anthill/internal/blob"
)

// ErrBarred is of blobs that the store takes no more, see Bar.
var ErrBarred = errors.New("barred")

// Bar keeps blobs out: from now on those of which barred says so are to everybody as if
// they were not here, none is taken in, and what there is of them goes, pinned or not. It
// says how many went. nil lets all in again. barred must be quick.
func (s *Store) Bar(barred func(blob.ID) bool) (gone int, err error) {
	s.mu.Lock()
	s.barred = barred
	var out []blob.ID
	for id := range s.blobs {
		if s.isBarred(id) {
			out = append(out, id)
		}
	}
	s.mu.Unlock()
	var errs []error
	for _, id := range out {
		went, err := s.expel(id)
		if err != nil {
			errs = append(errs, fmt.Errorf("remove blob %s: %w", id.Short(), err))
		}
		if went {
			gone++
		}
	}
	return gone, errors.Join(errs...)
}

// isBarred is called with mu held.
func (s *Store) isBarred(id blob.ID) bool { return s.barred != nil && s.barred(id) }

// expel removes a blob that others may have pinned, once reads of it have ended. Of a
// small one the bytes are overwritten: in its pack they would stay for a while.
func (s *Store) expel(id blob.ID) (went bool, err error) {
	s.mu.Lock()
	e := s.blobs[id]
	s.mu.Unlock()
	if e == nil {
		return false, nil
	}
	e.io.Lock()
	defer e.io.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blobs[id] != e {
		return false, nil
	}
	if !e.at.IsZero() {
		if err := s.packs.Wipe(e.at, e.m.Size); err != nil {
			return false, err
		}
	}
	if err := s.remove(e); err != nil {
		return false, err
	}
	s.tidy()
	return true, nil
}

// admit passes over what is barred of blobs that are to be stored.
func (s *Store) admit(id blob.ID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.isBarred(id) {
		return fmt.Errorf("blob %s: %w", id.Short(), ErrBarred)
	}
	return nil
}
