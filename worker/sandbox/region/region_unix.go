//go:build (linux || darwin) && (amd64 || arm64)

package region

import (
	"context"
	"fmt"
	"syscall"

	"github.com/tetratelabs/wazero/experimental"
)

// HeapShare and SpaceShare are what a guest's memory takes at most, as multiples of
// its limit: of the collector's heap, and of address space.
const (
	HeapShare  = 0
	SpaceShare = 1
)

// With gives each memory of a guest a region of address space that it can
// grow in, until release. Without that the engine copies a memory whenever it
// grows, and the garbage collector keeps the copies while the guest runs.
func With(ctx context.Context) (with context.Context, release func()) {
	var all []*region
	allocate := func(_, most uint64) experimental.LinearMemory {
		r := reserve(most)
		all = append(all, r)
		return r
	}
	return experimental.WithMemoryAllocator(ctx, experimental.MemoryAllocatorFunc(allocate)), func() {
		for _, r := range all { // the engine forgets those of modules that fail to start
			r.Free()
		}
	}
}

// region is as large as its memory may become. The system fills what the guest
// touches with zeros, and has all of it back when the task is over.
type region struct {
	space []byte
	used  uint64 // is usable, by the engine and not by the guest
}

// largePage is what large memories grow by, in bytes.
const largePage = 2 << 20

// reserve panics without address space. So would the engine: a guest that was
// told would go on otherwise than on other machines.
func reserve(most uint64) *region {
	if most == 0 {
		return &region{}
	}
	space, err := syscall.Mmap(-1, 0, int(most), syscall.PROT_NONE, syscall.MAP_PRIVATE|syscall.MAP_ANON)
	if err != nil {
		panic(fmt.Errorf("reserve the guest's memory: %w", err))
	}
	return &region{space: space}
}

// Reallocate makes the first size bytes usable. They do not move.
func (r *region) Reallocate(size uint64) []byte {
	if size > r.used {
		next := size
		if size > largePage {
			next = min((size+largePage-1)/largePage*largePage, uint64(len(r.space)))
		}
		if err := syscall.Mprotect(r.space[r.used:next], syscall.PROT_READ|syscall.PROT_WRITE); err != nil {
			panic(fmt.Errorf("grow the guest's memory: %w", err))
		}
		if size > largePage {
			preferLargePages(r.space[:next])
		}
		r.used = next
	}
	return r.space[:size:size]
}

// Free may come twice.
func (r *region) Free() {
	if r.space == nil {
		return
	}
	if err := syscall.Munmap(r.space); err != nil {
		panic(fmt.Errorf("free the guest's memory: %w", err))
	}
	r.space = nil
}
