package sandbox

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"github.com/anthill-grid/anthill/worker/sandbox/region"
	"github.com/anthill-grid/anthill/worker/sandbox/walls"
)

// The child's memory beside the guest's linear memory. Address space is
// counted, which is more than what is used: the Go runtime reserves in large
// steps.
const (
	compileSpace = 4 << 30
	runSpace     = 512 << 20
	runHeap      = 256 << 20
	idleHeap     = 48 << 20
	largeHeap    = 192 << 20
)

// cpuSlack is the processor time that the child may take beside its task's.
const cpuSlack = 2 * time.Second

// compileCPU is the processor time that a child may take to compile a module. It
// counts only where the parent cannot keep the time; see enterRun.
const compileCPU = 2*compileTime + cpuSlack

// firstWalls are those of a child that has no task yet: as for compiling, which
// comes first.
func firstWalls(s setup) walls.Config {
	return walls.Config{Writable: s.Writable, Readable: s.Readable, CPU: compileCPU, Space: compileSpace}
}

// bounds are the walls that move with each task: memory and processor time. It
// remembers where those of memory stand, since moving them stops the process
// for a moment, and most tasks need them where the last one had them.
type bounds struct{ heap, space, stack int64 }

// enterCompile gives the compiler an ordinary garbage collector and much
// address space: large honest modules need it.
func (b *bounds) enterCompile() {
	_ = walls.LimitCPU(compileCPU)
	b.heap, b.space, b.stack = 0, 0, 0
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(math.MaxInt64)
	_ = walls.LimitAddressSpace(compileSpace)
}

// enterRun closes the walls around a guest, with room for its linear memory and
// its output. A collection would have to stop the guest's thread, which runs native
// code and does not listen; so while it runs there is none, short of need, and the
// garbage waits for its end.
//
// The parent keeps the time. The limit on processor time, twice as much since a
// second thread may work beside the guest's, is for a parent that cannot: one
// that was itself stopped.
func (b *bounds) enterRun(req request) {
	_ = walls.LimitCPU(2*req.Time + cpuSlack)
	heap := region.HeapShare*req.Memory + 2*req.Output // which is copied when it grows
	space := region.SpaceShare*req.Memory + 3*req.Output
	stack := stackSpace(req)
	if b.heap == heap && b.space == space && b.stack == stack {
		return
	}
	b.heap, b.space, b.stack = heap, space, stack
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(runHeap + heap + stack/2) // stacks leave garbage where they grew
	_ = walls.LimitAddressSpace(runSpace + space + stack)
}

// collectGarbage makes up for that between two tasks, and gives the memory of
// large guests back to the system.
func collectGarbage() {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(sample)
	if sample[0].Value.Kind() != metrics.KindUint64 {
		return
	}
	switch used := sample[0].Value.Uint64(); {
	case used > largeHeap:
		debug.FreeOSMemory()
	case used > idleHeap:
		runtime.GC()
	}
}
