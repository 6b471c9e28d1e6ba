//go:build amd64 || arm64

package sandbox

import (
	"bytes"
	"strconv"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// TestRegionsGrowInPlaceAndStartEmpty also fills one and takes it again: what a
// guest leaves must not get to the next.
func TestRegionsGrowInPlaceAndStartEmpty(t *testing.T) {
	const most = 64 << 20
	for range 3 {
		r := reserve(most)
		first := r.Reallocate(pageSize)
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

// TestModulesThatFailToStartLeaveNoMemory has one whose data does not fit. It is not
// screened, since the screen knows of nothing that passes and fails to start.
func TestModulesThatFailToStartLeaveNoMemory(t *testing.T) {
	req := request{Memory: 1 << 30, Seed: make([]byte, 32)}
	m, err := loadFresh(t.Context(), handmade.Spec{Pages: 1, Data: make([]byte, pageSize+1)}.Encode(), req, moduleKey{pages: uint32(req.Memory / pageSize)})
	if err != nil {
		t.Fatal(err)
	}
	defer m.close(t.Context())
	before := ownSpace(t)
	for range 8 {
		if r, _ := m.run(t.Context(), order{request: req}, nil); r.Status != Refused || !strings.Contains(r.Reason, "out of bounds") {
			t.Fatalf("%v: %s; want it refused as out of bounds", r.Status, r.Reason)
		}
	}
	if grown := ownSpace(t) - before; grown >= req.Memory {
		t.Errorf("it took %d MB of address space", grown>>20)
	}
}

// ownSpace is the address space of this process, in bytes.
func ownSpace(t *testing.T) int64 {
	t.Helper()
	first, _, _ := strings.Cut(readFile(t, "/proc/self/statm"), " ")
	pages, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * 4096
}
