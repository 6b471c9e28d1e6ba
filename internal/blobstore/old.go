package blobstore

import (
	"fmt"
	"os"

	"github.com/anthill-grid/anthill/internal/blob"
)

// packOld moves blobs to packs that an older program kept as a file each.
func (s *Store) packOld() error {
	for len(s.old) > 0 {
		n := min(len(s.old), 64)
		if err := s.packSome(s.old[:n]); err != nil {
			return fmt.Errorf("move blobs into packs: %w", err)
		}
		s.old = s.old[n:]
	}
	return nil
}

func (s *Store) packSome(ids []blob.ID) error {
	var batch []parcel
	for _, id := range ids {
		data, err := os.ReadFile(s.path(id, wholeExt))
		if err != nil {
			return err
		}
		if m := blob.Of(data); m.ID() == id {
			batch = append(batch, parcel{id, m, data})
		}
	}
	if err := s.packUp(s.missing(batch)); err != nil {
		return err
	}
	if err := s.packs.SyncAll(); err != nil {
		return err
	}
	for _, id := range ids {
		if err := os.Remove(s.path(id, wholeExt)); err != nil {
			return err
		}
	}
	return nil
}
