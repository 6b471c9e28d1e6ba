package blobstore

import (
	"errors"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore/pack"
)

// A small blob is a record in a pack. That of an empty blob says that it is known.

// parcel is a small blob to be stored.
type parcel struct {
	id   blob.ID
	m    blob.Manifest
	data []byte
}

// segmentSize is how long packs get: little, where the quota is small, since what is
// dead in them does not count, or where the reserve is, which has to have room for a
// copy.
func segmentSize(cfg Config, reserve int64) int64 {
	size := int64(64 << 20)
	if cfg.segment > 0 {
		return cfg.segment
	}
	if cfg.Quota > 0 {
		size = min(size, cfg.Quota/16)
	}
	if reserve > 0 {
		size = min(size, reserve/4)
	}
	return max(size, blob.MinPiece)
}

// missing are the blobs that the store lacks, each once.
func (s *Store) missing(batch []parcel) []parcel {
	var lacking []parcel
	seen := make(map[blob.ID]bool)
	for _, p := range batch {
		if !seen[p.id] && !s.Complete(p.id) {
			lacking = append(lacking, p)
		}
		seen[p.id] = true
	}
	return lacking
}

// packUp writes small blobs by one write. The caller has pinned them, or holds
// their io.
func (s *Store) packUp(batch []parcel) error {
	if len(batch) == 0 {
		return nil
	}
	var cost int64
	records := make([]pack.Record, len(batch))
	for i, p := range batch {
		cost += pack.Cost(p.m.Size)
		records[i] = pack.Record{Key: p.id, Data: p.data, Written: time.Now()}
	}
	s.mu.Lock()
	err := s.reserve(cost)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	places, err := s.append(records)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.used -= cost
		return err
	}
	for i, p := range batch {
		s.settle(p, places[i])
	}
	s.tidy()
	return nil
}

// append writes records. Where the disk has no room for them it has once what is dead
// is gone, or it is full.
func (s *Store) append(records []pack.Record) ([]pack.Place, error) {
	places, err := s.packs.Append(records)
	if isFull(err) && s.packs.Compact(owner{s}, true) == nil {
		return s.packs.Append(records)
	}
	return places, err
}

// settle enters a record in the index, unless another call has written the same
// blob. It is called with mu held, and with the cost taken from the quota.
func (s *Store) settle(p parcel, at pack.Place) {
	if s.isBarred(p.id) { // since a moment ago
		_ = s.packs.Wipe(at, p.m.Size)
		s.packs.Drop(at, p.m.Size)
		s.used -= pack.Cost(p.m.Size)
		return
	}
	e := s.blobs[p.id]
	if e == nil {
		e = newEntry(p.id, p.m)
		s.insert(e)
	}
	if !e.at.IsZero() {
		s.packs.Drop(at, p.m.Size)
		s.used -= pack.Cost(p.m.Size)
		return
	}
	e.at = at
	e.charged += pack.Cost(p.m.Size)
	for i := range e.pieces {
		e.gain(i, synced|checked) // its pack knows what is synced
	}
}

// writeSmall stores the piece of a small blob. The caller holds e.io.
func (s *Store) writeSmall(e *entry, data []byte) error {
	e.write.Lock()
	defer e.write.Unlock()
	if s.hasPiece(e, 0) {
		return nil
	}
	return s.packUp([]parcel{{e.id, e.m, data}})
}

func (s *Store) place(e *entry) pack.Place {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.at
}

// readSmall gives the verified piece of a small blob. The caller holds e.io.
func (s *Store) readSmall(e *entry, i int) ([]byte, error) {
	if !s.hasPiece(e, i) {
		return nil, ErrNotFound
	}
	data, at, err := s.readRecord(e)
	if err == nil {
		err = e.m.Verify(i, data)
	}
	if err != nil {
		s.forgetSmall(e, at)
		return nil, fmt.Errorf("%w: %w", ErrNotFound, err)
	}
	return data, nil
}

// readRecord reads e's record, wherever it is moved to meanwhile.
func (s *Store) readRecord(e *entry) ([]byte, pack.Place, error) {
	for {
		at := s.place(e)
		if at.IsZero() {
			return nil, at, ErrNotFound
		}
		data, err := s.packs.Read(at, e.m.Size)
		if !errors.Is(err, pack.ErrMoved) || at == s.place(e) {
			return data, at, err
		}
	}
}

// forgetSmall drops a record whose bytes are wrong, unless it was written again.
func (s *Store) forgetSmall(e *entry, at pack.Place) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.IsZero() || e.at != at {
		return
	}
	s.packs.Drop(at, e.m.Size)
	s.refund(e, pack.Cost(e.m.Size))
	e.at = pack.Place{}
	e.lose(0)
}

// load makes sure that a blob which acquire found is still in the store, and reads
// it if scan took it at its header's word: a million of them must not make Open
// slow. A record that a crash left incomplete is not what its key says, and goes.
// The caller holds e.io.
func (s *Store) load(e *entry) error {
	if loaded, err := s.loaded(e); loaded || err != nil {
		return err
	}
	e.write.Lock()
	defer e.write.Unlock()
	if loaded, err := s.loaded(e); loaded || err != nil {
		return err
	}
	data, _, err := s.readRecord(e)
	m := blob.Of(data)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil || m.ID() != e.id {
		return errors.Join(ErrNotFound, s.remove(e))
	}
	e.m, e.loaded, e.pieces = m, true, make([]pieceState, len(m.Pieces))
	for i := range e.pieces {
		e.gain(i, checked|synced)
	}
	return nil
}

// loaded fails if the blob was removed.
func (s *Store) loaded(e *entry) (bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.blobs[e.id] != e {
		return false, ErrNotFound
	}
	return e.loaded, nil
}

// copyOut gives a small blob a file of its own until it goes, or the process ends.
// The caller holds e.io.
func (s *Store) copyOut(e *entry) (string, error) {
	e.write.Lock()
	defer e.write.Unlock()
	path := s.copyPath(e.id)
	if e.copied {
		return path, nil
	}
	var data []byte
	var err error
	if e.m.Size > 0 {
		if data, err = s.readSmall(e, 0); err != nil {
			return "", fmt.Errorf("copy blob %s: %w", e.id.Short(), err)
		}
	}
	cost := blocks(e.m.Size)
	if err := s.charge(e, cost); err != nil {
		return "", fmt.Errorf("copy blob %s: %w", e.id.Short(), err)
	}
	err = s.replaceFile(path, data, false)
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.refund(e, cost)
		return "", fmt.Errorf("copy blob %s: %w", e.id.Short(), full(err))
	}
	e.copied = true
	return path, nil
}
