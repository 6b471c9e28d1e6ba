package sandbox

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
)

// The child's memory beside the guest's linear memory. Address space is
// counted, which is more than what is used: the Go runtime reserves in large
// steps, and a memory that grows is for a moment there twice.
const (
	compileSpace = 4 << 30
	runSpace     = 512 << 20
	runHeap      = 256 << 20
	idleHeap     = 48 << 20
	largeHeap    = 192 << 20
)

// walls remembers how they stand: moving them stops the process for a moment,
// and most tasks need them where the last one had them.
type walls struct{ memory int64 }

// enterCompile gives the compiler an ordinary garbage collector and much
// address space: large honest modules need it.
func (w *walls) enterCompile() {
	w.memory = 0
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(math.MaxInt64)
	limitAddressSpace(compileSpace)
}

// enterRun closes the walls around a guest. A collection would have to stop
// the guest's thread, which runs native code and does not listen; so while it
// runs there is none, short of need, and the garbage waits for its end.
func (w *walls) enterRun(memory int64) {
	if w.memory == memory {
		return
	}
	w.memory = memory
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(runHeap + 2*memory)
	limitAddressSpace(runSpace + 3*memory)
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
