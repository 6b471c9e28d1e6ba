//go:build amd64 || arm64

package sandbox

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/handmade"
)

// grown is the code that makes the memory of a guest 32 MB large.
var grown = []byte{0x41, 0xff, 3, 0x40, 0, 0x1a} // memory.grow 511 pages

// TestNothingOfAGuestIsLeftToTheNext has one fill its memory, and end in some way;
// the next one in the same child traps where it finds a byte.
func TestNothingOfAGuestIsLeftToTheNext(t *testing.T) {
	fill := append(grown[:len(grown):len(grown)],
		0x41, 0, 0x41, 0x2a, 0x41, 0x80, 0x80, 0x80, 0x10, 0xfc, 11, 0) // memory.fill 0 with 42, 32 MiB
	scan := append(grown[:len(grown):len(grown)],
		0x03, 0x40, // loop
		0x20, 0, 0x29, 3, 0, 0x50, 0x45, 0x04, 0x40, 0x00, 0x0b, // if the i64 at local 0 is not 0: unreachable
		0x20, 0, 0x41, 8, 0x6a, 0x22, 0, 0x41, 0x80, 0x80, 0x80, 0x10, 0x47, 0x0d, 0, // local 0 += 8; again unless 32 MiB
		0x0b)
	memory := func(code []byte) Task {
		task := newTask(t, handmade.Spec{Pages: 1, Locals: 1, Code: code}.Encode())
		task.Memory = 64 << 20
		return task
	}
	s := newSlot(t)
	next := memory(scan)
	wantStatus(t, run(t, s, memory(append(fill, scan...))), Trapped, "unreachable") // it would be seen
	child := pid(s)
	for name, end := range map[string][]byte{"end": nil, "trap": {0x00}} {
		wanted := map[string]Status{"end": Exited, "trap": Trapped}[name]
		wantStatus(t, run(t, s, memory(append(fill[:len(fill):len(fill)], end...))), wanted, "")
		wantStatus(t, run(t, s, next), Exited, "")
		if pid(s) != child {
			t.Errorf("after %s the child is another one", name)
		}
	}
}

// TestSparseTouchesStayWithinTheLimit has a guest that touches one byte of each of
// its pages, which become large ones.
func TestSparseTouchesStayWithinTheLimit(t *testing.T) {
	touch := append(grown[:len(grown):len(grown)],
		0x03, 0x40, // loop
		0x20, 0, 0x41, 1, 0x36, 2, 0, // store 1 at local 0
		0x20, 0, 0x41, 0x80, 0x80, 4, 0x6a, 0x22, 0, 0x41, 0x80, 0x80, 0x80, 0x10, 0x47, 0x0d, 0, // local 0 += 64 KiB; again unless 32 MiB
		0x0b)
	task := newTask(t, handmade.Spec{Pages: 1, Locals: 1, Code: touch}.Encode())
	task.Memory = 64 << 20
	s := newSlot(t)
	wantStatus(t, run(t, s, newTask(t, handmade.Noop())), Exited, "")
	before := peakOf(t, s)
	r := run(t, s, task)
	wantStatus(t, r, Exited, "")
	if r.Memory != 32<<20 {
		t.Errorf("its memory is %d bytes, want 32 MiB", r.Memory)
	}
	const own = 16 << 20 // of the child, which compiles
	if grew := peakOf(t, s) - before; grew < 1<<20 || grew > r.Memory+own {
		t.Errorf("the child took %d MB more, for a guest of %d MB", grew>>20, r.Memory>>20)
	}
	wantStatus(t, run(t, s, newTask(t, handmade.Noop())), Exited, "")
	if left := residentOf(t, s) - before; left > own {
		t.Errorf("the child has %d MB more than before", left>>20)
	}
}

// peakOf and residentOf are the memory of the slot's child, in bytes.
func peakOf(t *testing.T, s *Slot) int64     { return statusOf(t, s, "VmHWM") }
func residentOf(t *testing.T, s *Slot) int64 { return statusOf(t, s, "VmRSS") }

func statusOf(t *testing.T, s *Slot, field string) int64 {
	t.Helper()
	_, rest, _ := strings.Cut(readFile(t, fmt.Sprintf("/proc/%d/status", pid(s))), field+":")
	var kilobytes int64
	if _, err := fmt.Sscan(rest, &kilobytes); err != nil {
		t.Fatalf("read %s of the child: %v", field, err)
	}
	return kilobytes << 10
}

// TestModulesThatFailToStartLeaveNoMemory has one whose data does not fit. It is not
// screened, since the screen knows of nothing that passes and fails to start.
func TestModulesThatFailToStartLeaveNoMemory(t *testing.T) {
	req := request{Memory: 1 << 30, Seed: make([]byte, 32)}
	m, err := loadFresh(t.Context(), &source{bytes: handmade.Spec{Pages: 1, Data: make([]byte, pageSize+1)}.Encode()}, req, moduleKey{pages: uint32(req.Memory / pageSize)})
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
