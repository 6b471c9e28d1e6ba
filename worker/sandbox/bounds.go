package sandbox

import (
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
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

// bounds are the walls that move with each task: memory and processor time. It
// remembers where those of memory stand, since moving them stops the process
// for a moment, and most tasks need them where the last one had them.
type bounds struct{ memory int64 }

// enterCompile gives the compiler an ordinary garbage collector and much
// address space: large honest modules need it.
func (b *bounds) enterCompile() {
	_ = limitCPU(2*compileTime + cpuSlack)
	b.memory = 0
	debug.SetGCPercent(100)
	debug.SetMemoryLimit(math.MaxInt64)
	_ = limitAddressSpace(compileSpace)
}

// enterRun closes the walls around a guest. A collection would have to stop
// the guest's thread, which runs native code and does not listen; so while it
// runs there is none, short of need, and the garbage waits for its end.
//
// The parent keeps the time. The limit on processor time, twice as much since a
// second thread may work beside the guest's, is for a parent that cannot: one
// that was itself stopped.
func (b *bounds) enterRun(memory int64, limit time.Duration) {
	_ = limitCPU(2*limit + cpuSlack)
	if b.memory == memory {
		return
	}
	b.memory = memory
	debug.SetGCPercent(-1)
	debug.SetMemoryLimit(runHeap + heapShare*memory)
	_ = limitAddressSpace(runSpace + spaceShare*memory)
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
