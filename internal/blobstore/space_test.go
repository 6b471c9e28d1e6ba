package blobstore

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// fakeDisk is a disk of some size of which others take something.
type fakeDisk struct{ size, others int64 }

func (d *fakeDisk) look(dir string) (free, size int64, err error) {
	free = d.size - d.others
	err = filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			var info fs.FileInfo
			if info, err = entry.Info(); err == nil {
				free -= info.Size()
			}
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	return free, d.size, err
}

func TestCapacity(t *testing.T) {
	disk := &fakeDisk{size: 100 << 20, others: 30 << 20}
	for _, c := range []struct{ quota, least, most int64 }{
		{0, 59 << 20, 61 << 20},        // what others and the reserve leave
		{20 << 20, 20 << 20, 20 << 20}, // a quota
	} {
		s := open(t, Config{Quota: c.quota, Reserve: 10 << 20, space: disk.look})
		for i := range byte(2) { // what is here makes no difference
			if n := s.Capacity(); n < c.least || n > c.most {
				t.Errorf("quota %d: capacity %d, want %d to %d", c.quota, n, c.least, c.most)
			}
			put(t, s, content(uint64(i), 3<<20))
		}
	}
}

func TestReserveStaysFree(t *testing.T) {
	disk := &fakeDisk{size: 100 << 20}
	s := open(t, Config{Reserve: 10 << 20, space: disk.look})
	old, pinned := put(t, s, content(1, 3<<20)), put(t, s, content(2, 3<<20))
	s.Pin(pinned)
	disk.others = 84<<20 - 4096*10
	s.space.at = time.Time{} // look again
	fresh := put(t, s, content(3, 2<<20))
	if s.Complete(old) || !s.Complete(pinned) || !s.Complete(fresh) {
		t.Errorf("old %v, pinned %v, fresh %v", s.Complete(old), s.Complete(pinned), s.Complete(fresh))
	}
	disk.others = 95 << 20
	s.space.at = time.Time{}
	_, err := s.Put(content(4, 100))
	want := "has 2.0 MiB free, less than the reserve of 10.0 MiB: free some space"
	if !errors.Is(err, ErrFull) || !strings.HasSuffix(err.Error(), want) {
		t.Errorf("on a short disk: %v", err)
	}
	if !s.Complete(pinned) || s.Complete(fresh) {
		t.Errorf("pinned %v, fresh %v", s.Complete(pinned), s.Complete(fresh))
	}
	disk.others = 0
	put(t, s, content(4, 100))
}

func TestShortDiskGetsSpaceFromPacks(t *testing.T) {
	disk := &fakeDisk{size: 100 << 20}
	s := open(t, Config{Reserve: 10 << 20, space: disk.look, segment: 1 << 20})
	for i := range 50 {
		put(t, s, content(uint64(i), 200_000))
	}
	disk.others = 81 << 20 // one less than the blobs leave
	s.space.at = time.Time{}
	for i := range 25 {
		put(t, s, content(uint64(100+i), 200_000))
		s.tidying.Wait()
		if free, _, err := disk.look(s.dir); err != nil || free < s.space.floor-1<<20 {
			t.Fatalf("%d bytes free, %v", free, err)
		}
	}
	if s.Complete(blob.Of(content(0, 200_000)).ID()) || !s.Complete(blob.Of(content(49, 200_000)).ID()) {
		t.Error("not the oldest went")
	}
}

func TestDefaultReserve(t *testing.T) {
	for size, want := range map[int64]int64{20 << 20: 1 << 20, 1 << 40: 2 << 30} {
		s := open(t, Config{space: func(string) (int64, int64, error) { return size, size, nil }})
		if s.space.floor != want {
			t.Errorf("disk of %d bytes: reserve %d", size, s.space.floor)
		}
	}
	if s := open(t, Config{Reserve: -1}); s.space.floor != 0 {
		t.Errorf("no reserve is %d", s.space.floor)
	}
	s := open(t, Config{Reserve: 1, space: func(string) (int64, int64, error) { return 0, 0, errors.New("unknown") }})
	put(t, s, content(1, 100))
}

func TestRoom(t *testing.T) {
	disk := &fakeDisk{size: 100 << 20}
	s := open(t, Config{Quota: 20 << 20, Reserve: 10 << 20, space: disk.look})
	a, b := put(t, s, content(1, 8<<20)), put(t, s, content(2, 8<<20))
	s.Pin(a)
	s.Pin(b)
	if err := s.Room(3<<20, 0); err != nil {
		t.Error(err)
	}
	if err := s.Room(5<<20, 0); !errors.Is(err, ErrFull) || !strings.Contains(err.Error(), "of the quota of 20.0 MiB") {
		t.Errorf("more than the quota: %v", err)
	}
	s.Unpin(a)
	if err := s.Room(5<<20, 0); err != nil {
		t.Error(err)
	}
	disk.others = 71 << 20
	s.space.at = time.Time{}
	if err := s.Room(10<<20, 0); err != nil {
		t.Error(err)
	}
	if err := s.Room(10<<20, 3<<19); !errors.Is(err, ErrFull) || !strings.HasPrefix(err.Error(), "10.0 MiB are asked for and 1.5 MiB reserved") ||
		!strings.HasSuffix(err.Error(), "free some space or lower --disk") {
		t.Errorf("more than the disk has: %v", err)
	}
	if !s.Complete(a) {
		t.Error("a question has evicted a blob")
	}
}

func TestFullDiskIsErrFull(t *testing.T) {
	for _, sign := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG} {
		if err := full(&os.PathError{Op: "write", Path: "x", Err: sign}); !errors.Is(err, ErrFull) || !errors.Is(err, sign) {
			t.Errorf("%v becomes %v", sign, err)
		}
	}
	if err := full(syscall.EIO); errors.Is(err, ErrFull) {
		t.Errorf("a broken disk is %v", err)
	}
}
