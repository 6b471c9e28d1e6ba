package blob

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"
)

func TestBitmapIsLeastSignificantFirst(t *testing.T) {
	b := NewBitmap(10)
	b.Set(0)
	b.Set(9)
	if !bytes.Equal(b, []byte{1, 2}) {
		t.Errorf("bits 0 and 9: %08b", []byte(b))
	}
	if b.Has(-1) || b.Has(16) || b.Has(1_000_000) {
		t.Error("has pieces beyond its end")
	}
}

func TestBitmapIsASet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 100).Draw(t, "n")
		b, want := NewBitmap(n), map[int]bool{}
		for _, i := range rapid.SliceOf(rapid.IntRange(0, n-1)).Draw(t, "flips") {
			if want[i] {
				b.Clear(i)
				delete(want, i)
			} else {
				b.Set(i)
				want[i] = true
			}
		}
		for i := range n {
			if b.Has(i) != want[i] {
				t.Fatalf("piece %d: %v, want %v", i, b.Has(i), want[i])
			}
		}
		if b.Count() != len(want) || b.All(n) != (len(want) == n) {
			t.Fatalf("count %d, all %v, want %d of %d", b.Count(), b.All(n), len(want), n)
		}
	})
}

func TestFullBitmapHasAllAndNoMore(t *testing.T) {
	for n := range 20 {
		b := FullBitmap(n)
		if !b.All(n) || b.Count() != n || b.Has(n) {
			t.Errorf("%d pieces: count %d, %08b", n, b.Count(), []byte(b))
		}
	}
}

func TestCloneSharesNothing(t *testing.T) {
	a := NewBitmap(3)
	b := a.Clone()
	b.Set(1)
	if a.Has(1) || !b.Has(1) {
		t.Errorf("a %08b, b %08b", []byte(a), []byte(b))
	}
}
