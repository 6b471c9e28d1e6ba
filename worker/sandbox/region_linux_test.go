//go:build amd64 || arm64

package sandbox

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/worker/sandbox/guesttest"
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

// TestModulesThatFailToStartLeaveNoMemory has one whose data does not fit.
func TestModulesThatFailToStartLeaveNoMemory(t *testing.T) {
	task := newTask(t, guesttest.Spec{Pages: 1, Data: make([]byte, pageSize+1)}.Encode())
	task.Memory = 1 << 30
	s := newSlot(t)
	wantStatus(t, run(t, s, task), Refused, "")
	before := spaceOf(t, s)
	for range 8 {
		wantStatus(t, run(t, s, task), Refused, "out of bounds")
	}
	if grown := spaceOf(t, s) - before; grown >= task.Memory {
		t.Errorf("the child took %d MB of address space", grown>>20)
	}
}

// spaceOf is the address space of the slot's child, in bytes.
func spaceOf(t *testing.T, s *Slot) int64 {
	t.Helper()
	first, _, _ := strings.Cut(readFile(t, fmt.Sprintf("/proc/%d/statm", pid(s))), " ")
	pages, err := strconv.ParseInt(first, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return pages * 4096
}
