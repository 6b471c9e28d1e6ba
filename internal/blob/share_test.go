package blob

import (
	"testing"

	"pgregory.net/rapid"
)

// TestShareNeverClaimsAMissingPiece also holds that it is exact for blobs of few
// pieces.
func TestShareNeverClaimsAMissingPiece(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pieces := rapid.IntRange(1, 2000).Draw(t, "pieces")
		have := NewBitmap(pieces)
		lacking := rapid.SliceOfN(rapid.IntRange(0, pieces-1), 0, 5).Draw(t, "lacking")
		for i := range pieces {
			have.Set(i)
		}
		for _, i := range lacking {
			have.Clear(i)
		}
		s := ShareOf(have, pieces)
		if len(s) > MaxShare {
			t.Fatalf("%d bytes", len(s))
		}
		for i := range pieces {
			if covers := s.Covers(pieces, i, i+1); covers && !have.Has(i) || pieces <= shareParts && covers != have.Has(i) {
				t.Fatalf("piece %d of %d: there %v, covered %v", i, pieces, have.Has(i), covers)
			}
		}
		if len(lacking) == 0 && !s.Covers(pieces, 0, pieces) {
			t.Fatal("a complete blob is not covered")
		}
	})
}
