//go:build amd64 || arm64

package region

import (
	"bytes"
	"testing"
)

// TestRegionsGrowInPlaceAndStartEmpty also fills one and takes it again: what a
// guest leaves must not get to the next.
func TestRegionsGrowInPlaceAndStartEmpty(t *testing.T) {
	const most = 64 << 20
	for range 3 {
		r := reserve(most)
		first := r.Reallocate(1 << 16)
		all := r.Reallocate(most)
		if &first[0] != &all[0] || len(all) != most {
			t.Fatalf("it moved, or has %d bytes instead of %d", len(all), most)
		}
		if !bytes.Equal(all, make([]byte, most)) {
			t.Fatal("it is not empty")
		}
		for i := range all {
			all[i] = 1
		}
		r.Free()
		r.Free()
	}
	none := reserve(0)
	if got := none.Reallocate(0); len(got) != 0 {
		t.Errorf("no memory has %d bytes", len(got))
	}
	none.Free()
}

// TestNoAddressSpaceIsNoResult has a limit of memory that the system cannot hold.
func TestNoAddressSpaceIsNoResult(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a region that cannot be had was had")
		}
	}()
	reserve(1 << 60)
}
