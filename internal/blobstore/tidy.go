package blobstore

import (
	"github.com/anthill-grid/anthill/internal/blobstore/pack"
)

// tidy compacts the packs in the background if that is due. It is called with mu
// held.
func (s *Store) tidy() {
	short := s.short()
	if !s.packs.Due(short) || s.busy {
		return
	}
	s.compact(short)
}

// compact does so whether it is due or not. It is called with mu held, while the store is
// not busy.
func (s *Store) compact(short bool) {
	s.busy = true
	s.tidying.Go(func() {
		// What went wrong is tried again once more has died, and no blob is worse off.
		_ = s.packs.Compact(owner{s}, short)
		s.mu.Lock()
		defer s.mu.Unlock()
		s.busy = false
	})
}

// owner is the store as its packs see it.
type owner struct{ s *Store }

// Lies implements pack.Owner.
func (o owner) Lies(key pack.Key, at pack.Place) bool {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	e := o.s.blobs[key]
	return e != nil && e.at == at
}

// Relocate implements pack.Owner.
func (o owner) Relocate(moves []pack.Move) []bool {
	o.s.mu.Lock()
	defer o.s.mu.Unlock()
	done := make([]bool, len(moves))
	for i, m := range moves {
		if e := o.s.blobs[m.Key]; e != nil && e.at == m.From {
			e.at, done[i] = m.To, true
		}
	}
	return done
}
