package blobstore

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/internal/blob"
)

// Sync makes what the store has of a blob outlive a power cut.
func (s *Store) Sync(id blob.ID) error { return s.syncAll([]blob.ID{id}) }

// syncAll makes many blobs durable, with one sync for all small ones where the
// system can do that.
func (s *Store) syncAll(ids []blob.ID) error {
	var singles []*entry
	for _, id := range ids {
		e, err := s.acquire(id)
		if err != nil {
			return fmt.Errorf("sync blob %s: %w", id.Short(), err)
		}
		if e.single() {
			singles = append(singles, e)
		} else {
			err = s.sync(e)
		}
		e.release()
		if err != nil {
			return fmt.Errorf("sync blob %s: %w", id.Short(), full(err))
		}
	}
	if err := s.syncSingles(singles); err != nil {
		return fmt.Errorf("sync %d blobs: %w", len(singles), full(err))
	}
	return nil
}

// syncSingles makes blobs of one piece durable. They are not held while that
// lasts: one that is deleted meanwhile no longer matters.
func (s *Store) syncSingles(entries []*entry) error {
	var paths []string
	var pending []*entry
	s.mu.Lock()
	for _, e := range entries {
		if e.unsynced() {
			pending = append(pending, e)
			paths = append(paths, s.path(e.id, wholeExt))
		}
	}
	s.mu.Unlock()
	if len(paths) == 0 {
		return nil
	}
	if err := syncFiles(s.dir, paths); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range pending {
		e.settle([]int{0})
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
	return errors.Join(syncFolder(filepath.Dir(s.path(id, ""))), syncFolder(s.dir))
}

// syncEach makes files durable one by one, and then their names: those in
// their folders, and those of the folders.
func syncEach(paths []string) error {
	folders := make(map[string]bool)
	for _, path := range paths {
		if err := syncFile(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		folder := filepath.Dir(path)
		folders[folder], folders[filepath.Dir(folder)] = true, true
	}
	for folder := range folders {
		if err := syncFolder(folder); err != nil {
			return err
		}
	}
	return nil
}

func syncFile(path string) error {
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
