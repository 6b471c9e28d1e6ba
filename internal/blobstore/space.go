package blobstore

import (
	"errors"
	"fmt"
	"math"
	"syscall"
	"time"
)

// The reserve that a store leaves free on its disk unless it is told otherwise: this
// share of it, but at most so much.
const (
	reserveShare = 20 // a twentieth
	maxReserve   = 2 << 30
)

// spaceEvery is for how long a look at the free space counts. In between the store
// reckons with what it takes itself.
const spaceEvery = 250 * time.Millisecond

// space is what the store knows of its disk. Store.mu guards it.
type space struct {
	dir   string
	next  string // what people can do when it is full
	floor int64  // bytes that are to stay free; 0: none
	look  func(dir string) (free, size int64, err error)
	free  int64
	at    time.Time // when it was looked up
}

func newSpace(cfg Config) space {
	p := space{dir: cfg.Dir, next: "free some space", floor: max(0, cfg.Reserve), look: cfg.space}
	if p.look == nil {
		p.look = diskSpace
	}
	if cfg.Quota > 0 {
		p.next += " or lower --disk"
	}
	if cfg.Reserve == 0 {
		if _, size, err := p.look(cfg.Dir); err == nil {
			p.floor = min(size/reserveShare, maxReserve)
		}
	}
	return p
}

// refresh looks at the disk. Where that cannot be done there is no reserve.
func (p *space) refresh() {
	free, _, err := p.look(p.dir)
	if err != nil {
		p.floor = 0
	}
	p.free, p.at = free, time.Now()
}

// lacking is how many bytes are missing for n more and the reserve.
func (p *space) lacking(n, dead int64) int64 {
	if p.floor == 0 {
		return 0
	}
	if time.Since(p.at) > spaceEvery || p.free+dead < p.floor+n {
		p.refresh()
	}
	return max(0, p.floor+n-p.free-dead)
}

// full says why n more bytes are refused.
func (p *space) full(n int64) error {
	why := "less than"
	if p.free >= p.floor {
		why = fmt.Sprintf("of which %s more do not leave", gib(n))
	}
	return fmt.Errorf("%w: disk %s has %s free, %s the reserve of %s: %s",
		ErrFull, p.dir, gib(p.free), why, gib(p.floor), p.next)
}

// gib writes a number of bytes with a unit that suits disks.
func gib(n int64) string {
	for _, u := range []struct {
		name string
		unit float64
	}{{"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if float64(n) >= u.unit {
			return fmt.Sprintf("%.1f %s", float64(n)/u.unit, u.name)
		}
	}
	return fmt.Sprintf("%d bytes", n)
}

// spare sees to it that n more bytes leave the reserve free, evicting for it. What is
// dead in packs counts as free, since compacting gives it back. It is called with mu
// held.
func (s *Store) spare(n int64) error {
	lacking := s.space.lacking(n, s.packs.Dead())
	if lacking == 0 {
		return nil
	}
	aim := s.used - lacking
	s.evict(func() bool { return s.used <= aim })
	s.tidy()
	if s.space.lacking(n, s.packs.Dead()) > 0 {
		return s.space.full(n)
	}
	return nil
}

// DiskSpace is how much of the disk that has a directory is free, and its size.
func DiskSpace(dir string) (free, size int64, err error) { return diskSpace(dir) }

// Disk is how many bytes are free on the store's disk, and how large it is.
func (s *Store) Disk() (free, size int64, err error) { return diskSpace(s.dir) }

// Full is ErrFull, and why, if the disk has less free than the reserve; nil: it has not.
func (s *Store) Full() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.space.floor > 0 {
		s.space.refresh()
	}
	if s.short() {
		return s.space.full(0)
	}
	return nil
}

// Used is how many bytes the blobs have or are to have.
func (s *Store) Used() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.used
}

// short tells whether the disk has less free than the reserve. It is called with mu
// held.
func (s *Store) short() bool { return s.space.floor > 0 && s.space.free < s.space.floor }

// Capacity is how many bytes the blobs of the store may have: its quota, or as many
// as its disk holds beside the reserve and what others keep there.
func (s *Store) Capacity() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	most := int64(math.MaxInt64)
	if s.quota > 0 {
		most = s.quota
	}
	if s.space.floor > 0 {
		s.space.refresh()
	}
	if s.space.floor > 0 {
		most = min(most, max(0, s.used+s.packs.Dead()+s.space.free-s.space.floor))
	}
	return most
}

// Room tells whether so many bytes could be stored beside others that are reserved for
// what is to come, by evicting all that is not pinned if need be. It is ErrFull if not.
func (s *Store) Room(asked, reserved int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var pinned int64
	for id := range s.pins {
		if e := s.blobs[id]; e != nil {
			pinned += e.charged
		}
	}
	if s.quota > 0 && pinned+reserved+asked > s.quota {
		return fmt.Errorf("%w: of the quota of %s, %s are in use and %s reserved for what is to come: %s do not fit",
			ErrFull, gib(s.quota), gib(pinned), gib(reserved), gib(asked))
	}
	lacking := s.space.lacking(asked+reserved, s.packs.Dead()+s.used-pinned) > 0
	if lacking && reserved == 0 {
		return s.space.full(asked)
	}
	if lacking {
		return fmt.Errorf("%s are asked for and %s reserved for what is to come: %w", gib(asked), gib(reserved), s.space.full(asked+reserved))
	}
	return nil
}

// full turns the system's words for a full disk, or a file that may not grow, into
// ErrFull.
func full(err error) error {
	if errors.Is(err, ErrFull) || !isFull(err) {
		return err
	}
	return fmt.Errorf("%w: %w", ErrFull, err)
}

func isFull(err error) bool {
	for _, sign := range append(fullSigns, syscall.ENOSPC, syscall.EFBIG, syscall.EDQUOT) {
		if errors.Is(err, sign) {
			return true
		}
	}
	return false
}
