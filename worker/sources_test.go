package worker

import (
	"slices"
	"testing"

	"github.com/anthill-grid/anthill/internal/blob"
)

func TestPartsSumUpPieces(t *testing.T) {
	t.Parallel()
	few := blob.NewBitmap(3)
	few.Set(1)
	if got := partsOf(few, 3); !slices.Equal(got, []byte{0, 255, 0}) {
		t.Errorf("of three pieces: %v", got)
	}
	many := blob.NewBitmap(512)
	for i := range 12 {
		many.Set(i)
	}
	got := partsOf(many, 512)
	if len(got) != shownParts || got[0] != 255 || got[1] != 127 || got[2] != 0 {
		t.Errorf("of 512 pieces: %v", got)
	}
	if got := partsOf(nil, 0); len(got) != 0 {
		t.Errorf("of an empty blob: %v", got)
	}
}
