package blobstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore/pack"
)

// Sync makes what the store has of a blob outlive a power cut.
func (s *Store) Sync(id blob.ID) error { return s.syncAll([]blob.ID{id}) }

// syncAll makes many blobs durable: the small ones by one sync of each pack that
// has some of them, which is one pack nearly always.
func (s *Store) syncAll(ids []blob.ID) error {
	var small []pack.Place
	for _, id := range ids {
		e, err := s.acquire(id)
		if err != nil {
			return fmt.Errorf("sync blob %s: %w", id.Short(), err)
		}
		if !e.small() {
			err = s.sync(e)
		} else if at := s.place(e); !at.IsZero() {
			small = append(small, at)
		}
		e.release()
		if err != nil {
			return fmt.Errorf("sync blob %s: %w", id.Short(), full(err))
		}
	}
	if err := s.packs.Sync(small); err != nil {
		return fmt.Errorf("sync %d blobs: %w", len(small), full(err))
	}
	return nil
}

// sync makes a larger blob durable. The caller holds e.io.
func (s *Store) sync(e *entry) error {
	s.mu.Lock()
	pieces := e.unsettled()
	s.mu.Unlock()
	if len(pieces) == 0 {
		return nil
	}
	if err := syncFile(s.path(e.id, dataExt)); err != nil {
		return err
	}
	s.mu.Lock()
	e.settle(pieces)
	s.mu.Unlock()
	if err := s.saveBitmaps(e); err != nil {
		return err
	}
	return errors.Join(syncFile(s.path(e.id, haveExt)), s.syncNames(e.id))
}

// syncNames makes a blob's file names durable.
func (s *Store) syncNames(id blob.ID) error {
	return errors.Join(pack.SyncFolder(filepath.Dir(s.path(id, ""))), pack.SyncFolder(s.dir))
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
