package blobstore

import (
	"fmt"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Pin keeps a blob, whether or not it is there yet, from eviction until Unpin
// was called as often as Pin. Pins do not outlive the process.
func (s *Store) Pin(id blob.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pins[id]++
}

// Unpin undoes one Pin.
func (s *Store) Unpin(id blob.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch s.pins[id] {
	case 0:
		panic(fmt.Sprintf("blob %s is unpinned more often than pinned", id.Short()))
	case 1:
		delete(s.pins, id)
	default:
		s.pins[id]--
	}
}

// Delete drops a blob. It waits for reads of it to end, and refuses with
// ErrPinned while it is needed. Deleting what is not there does nothing.
func (s *Store) Delete(id blob.ID) error {
	s.mu.Lock()
	e := s.blobs[id]
	s.mu.Unlock()
	if e == nil {
		return nil
	}
	e.io.Lock()
	defer e.io.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blobs[id] != e {
		return nil
	}
	if s.pins[id] > 0 {
		return fmt.Errorf("delete blob %s: %w", id.Short(), ErrPinned)
	}
	if err := s.remove(e); err != nil {
		return fmt.Errorf("delete blob %s: %w", id.Short(), err)
	}
	s.tidy()
	return nil
}

// charge takes n bytes of quota for e, evicting others for it.
func (s *Store) charge(e *entry, n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.reserve(n); err != nil {
		return err
	}
	e.charged += n
	return nil
}

// refund gives n bytes back. It is called with mu held.
func (s *Store) refund(e *entry, n int64) {
	e.charged -= n
	s.used -= n
}

// reserve takes n bytes of quota. It is called with mu held.
func (s *Store) reserve(n int64) error {
	if s.quota > 0 && s.used+n > s.quota {
		s.evict(func() bool { return s.used+n <= s.quota })
		if s.used+n > s.quota {
			return fmt.Errorf("%w: quota of %d bytes", ErrFull, s.quota)
		}
	}
	if n > 0 {
		if err := s.spare(n); err != nil {
			return err
		}
	}
	s.used += n
	s.space.free -= n
	return nil
}

// evict drops blobs until it is enough, least recently used first. Blobs that are
// pinned or being read or written stay.
func (s *Store) evict(enough func() bool) {
	for at := s.recent.Back(); at != nil && !enough(); {
		e := at.Value.(*entry)
		at = at.Prev()
		if s.pins[e.id] > 0 || !e.io.TryLock() {
			continue
		}
		// A blob whose files cannot be removed is simply not evicted.
		_ = s.remove(e)
		e.io.Unlock()
	}
}
