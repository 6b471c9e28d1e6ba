// Package blobstore keeps blobs on disk, whole or in part. Pieces are verified
// when they come in and again when they are read, so that bytes which rotted on
// the disk are noticed, forgotten and fetched again, never used.
//
// A blob of at most one piece lies in a pack, with many others. A larger one is a
// sparse data file, a manifest, and a bitmap file that says which pieces are surely on disk and
// which were written since the last sync: the latter are hashed again when the
// store is opened after a crash.
package blobstore

import (
	"container/list"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore/pack"
)

var (
	// ErrNotFound: the store lacks the blob, or the piece that was asked for.
	ErrNotFound = errors.New("not found")
	// ErrFull: the quota (or the disk) is used up by blobs that may not go.
	ErrFull = errors.New("store is full")
	// ErrPinned: the blob may not be deleted while it is needed.
	ErrPinned = errors.New("pinned")
)

// Config says where a store lives.
type Config struct {
	// Dir is made if it is missing. One process at a time may use it.
	Dir string
	// Quota is how many bytes of disk the blobs may take, 0 means no limit.
	// Beyond it the least recently used blobs go. Larger blobs count in blocks of
	// 4 KiB, small ones to the byte; what went from packs may stay on disk for a
	// while, up to a quarter of what the packs hold and a sixteenth of the quota.
	Quota int64
	// Reserve is how many bytes the store leaves free on its disk: where less is
	// free it evicts, and refuses to store more. 0 means a twentieth of the disk,
	// and 2 GiB at most; below 0 there is no reserve.
	Reserve int64

	// For tests: the length of packs (0 means what suits the quota), and what
	// tells how much is free on the disk (nil means the system).
	segment int64
	space   func(dir string) (free, size int64, err error)
}

// Store is safe for use by many goroutines.
//
// Locks are taken in this order: entry.io, entry.write, Store.mu, and then those of
// the packs. mu is held for no I/O but the removal of files and of small blobs.
type Store struct {
	dir   string
	quota int64
	packs *pack.Log
	space space // mu guards it

	tidying sync.WaitGroup

	mu     sync.Mutex
	blobs  map[blob.ID]*entry
	recent *list.List // of *entry, last used first
	pins   map[blob.ID]int
	barred func(blob.ID) bool // see Bar; nil: none is
	used   int64              // bytes of quota, taken or reserved
	busy   bool               // tidying
	old    []blob.ID          // are still a file each, see packOld; Open's own
}

// Open reads the directory. Whatever a crash left half done is completed or
// forgotten.
func Open(cfg Config) (*Store, error) {
	if cfg.Dir == "" || cfg.Quota < 0 {
		return nil, fmt.Errorf("open blob store %q: need a directory and a quota >= 0, not %d", cfg.Dir, cfg.Quota)
	}
	s := &Store{
		dir:    cfg.Dir,
		quota:  cfg.Quota,
		blobs:  make(map[blob.ID]*entry),
		recent: list.New(),
		pins:   make(map[blob.ID]int),
	}
	err := errors.Join(s.empty(tempFolder), s.empty(copyFolder))
	s.space = newSpace(cfg)
	if err == nil {
		err = s.scan(segmentSize(cfg, s.space.floor))
	}
	if err != nil {
		return nil, fmt.Errorf("open blob store: %w", full(err))
	}
	return s, nil
}

// Close makes all blobs durable. The store must not be used after it.
func (s *Store) Close() error {
	s.mu.Lock()
	var ids []blob.ID
	for id, e := range s.blobs {
		if e.unsynced() {
			ids = append(ids, id)
		}
	}
	s.mu.Unlock()
	s.tidying.Wait()
	if err := errors.Join(s.syncAll(ids), s.packs.SyncAll(), s.packs.Close()); err != nil {
		return fmt.Errorf("close blob store: %w", err)
	}
	return nil
}

// acquire finds a blob and keeps its files from being removed until release.
func (s *Store) acquire(id blob.ID) (*entry, error) {
	s.mu.Lock()
	e := s.blobs[id]
	if e == nil || s.isBarred(id) {
		s.mu.Unlock()
		return nil, ErrNotFound
	}
	s.recent.MoveToFront(e.used)
	s.mu.Unlock()
	e.io.RLock()
	if err := s.load(e); err != nil {
		e.io.RUnlock()
		return nil, err
	}
	return e, nil
}

func (e *entry) release() { e.io.RUnlock() }

// create adds a blob that the store does not know, and calls build, during
// which others who want the blob wait. It returns false if the blob is known.
func (s *Store) create(id blob.ID, m blob.Manifest, build func(*entry) error) (bool, error) {
	e := newEntry(id, m)
	e.io.Lock()
	defer e.io.Unlock()
	s.mu.Lock()
	if s.isBarred(id) {
		s.mu.Unlock()
		return false, fmt.Errorf("blob %s: %w", id.Short(), ErrBarred)
	}
	if s.blobs[id] != nil {
		s.mu.Unlock()
		return false, nil
	}
	s.insert(e)
	s.mu.Unlock()
	if err := build(e); err != nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return false, errors.Join(err, s.remove(e))
	}
	return true, nil
}

// insert is called with mu held.
func (s *Store) insert(e *entry) {
	e.used = s.recent.PushFront(e)
	s.blobs[e.id] = e
}

// remove drops a blob and its files. It is called with mu held and with e.io
// held for writing. When a file cannot be removed the blob stays.
func (s *Store) remove(e *entry) error {
	for _, path := range s.files(e) {
		if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("remove %s: %w", filepath.Base(path), err)
		}
	}
	if !e.at.IsZero() {
		s.packs.Drop(e.at, e.m.Size)
	}
	s.recent.Remove(e.used)
	delete(s.blobs, e.id)
	s.used -= e.charged
	return nil
}
