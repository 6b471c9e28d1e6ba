package blobstore

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore/pack"
)

func TestLeastRecentlyUsedGoes(t *testing.T) {
	s := open(t, Config{Quota: 3 * pack.Cost(100)})
	var ids []blob.ID
	for i := range 3 {
		ids = append(ids, put(t, s, content(uint64(i), 100)))
	}
	if _, err := s.ReadPiece(ids[0], 0); err != nil {
		t.Fatal(err)
	}
	ids = append(ids, put(t, s, content(9, 100)))
	want := []blob.ID{ids[3], ids[0], ids[2]}
	if got := s.Recent(10); !slices.Equal(got, want) {
		t.Errorf("left: %v, want %v", got, want)
	}
	if got := s.Recent(1); !slices.Equal(got, want[:1]) {
		t.Errorf("the most recent one: %v", got)
	}
}

func TestPinnedStaysAndFullIsFull(t *testing.T) {
	s := open(t, Config{Quota: 2 * pack.Cost(100)})
	a, b := put(t, s, content(1, 100)), put(t, s, content(2, 100))
	s.Pin(a)
	s.Pin(a)
	s.Pin(b)
	if _, err := s.Put(content(3, 100)); !errors.Is(err, ErrFull) {
		t.Errorf("all pinned: %v", err)
	}
	s.Unpin(a)
	if err := s.Delete(a); !errors.Is(err, ErrPinned) {
		t.Errorf("delete of what is pinned once more: %v", err)
	}
	s.Unpin(a)
	c := put(t, s, content(3, 100))
	if s.Complete(a) || !s.Complete(b) || !s.Complete(c) {
		t.Errorf("there are a %v, b %v, c %v", s.Complete(a), s.Complete(b), s.Complete(c))
	}
	if _, err := s.Import(bytes.NewReader(content(4, 300_000))); !errors.Is(err, ErrFull) {
		t.Errorf("import of more than fits: %v", err)
	}
	if s.used > 2*pack.Cost(100) {
		t.Errorf("%d bytes used", s.used)
	}
}

func TestABatchDoesNotEvictItself(t *testing.T) {
	s := open(t, Config{Quota: 2 * pack.Cost(10)})
	batch := [][]byte{content(1, 10), content(2, 10), content(3, 10)}
	if _, err := s.PutMany(batch); !errors.Is(err, ErrFull) {
		t.Errorf("three of a batch fit where two should: %v", err)
	}
	if refs, err := s.PutMany(batch[:2]); err != nil || !s.Complete(refs[0].ID) || !s.Complete(refs[1].ID) {
		t.Errorf("two: %v, %v", refs, err)
	}
}

func TestQuotaHoldsAfterReopen(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	for i := range 5 {
		put(t, s, content(uint64(i), 100+i*blob.MinPiece/2))
	}
	used := s.used
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, Config{Dir: dir, Quota: used})
	if s.used != used {
		t.Errorf("%d bytes used after reopen, %d before", s.used, used)
	}
	put(t, s, content(77, 100))
	if s.used > used {
		t.Errorf("%d bytes used of %d", s.used, used)
	}
}

func TestDelete(t *testing.T) {
	dir := t.TempDir()
	s := open(t, Config{Dir: dir})
	small, large := put(t, s, content(1, 100)), put(t, s, content(2, 700_000))
	if err := errors.Join(s.Delete(small), s.Delete(large), s.Delete(large)); err != nil {
		t.Fatal(err)
	}
	if s.used != 0 || len(s.Recent(9)) != 0 {
		t.Errorf("%d bytes used by %v", s.used, s.Recent(9))
	}
	if left := open(t, Config{Dir: dir}).Recent(9); len(left) != 0 {
		t.Errorf("after reopen: %v", left)
	}
}

func TestPacksAreShortWhereThereIsLittle(t *testing.T) {
	for _, c := range []struct{ quota, reserve, want int64 }{
		{0, 0, 64 << 20}, {20 << 30, 2 << 30, 64 << 20}, {64 << 20, 0, 4 << 20}, {1 << 20, 0, blob.MinPiece}, {0, 8 << 20, 2 << 20},
	} {
		if got := segmentSize(Config{Quota: c.quota}, c.reserve); got != c.want {
			t.Errorf("quota %d, reserve %d: packs of %d bytes, want %d", c.quota, c.reserve, got, c.want)
		}
	}
}

func TestUnpinWithoutPinPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	open(t, Config{}).Unpin(blob.ID{1})
}
