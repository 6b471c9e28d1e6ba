package blobstore

// deadKept is how many bytes of what went from packs may stay on disk for the work that
// it would be to move what lies between.
const deadKept = 32 << 20

// GiveBack returns to the disk what went from packs, but for a little: Delete alone leaves
// that to when there is so much of it that the work is worth it, as whoever evicts for
// others wants it. It does so in the background.
func (s *Store) GiveBack() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.busy || s.packs.Dead() <= deadKept {
		return
	}
	s.compact(true)
}
