package machine

import (
	"math"
	"runtime"

	"github.com/shirou/gopsutil/v4/mem"

	"github.com/anthill-grid/anthill/worker/limits"
)

// Capacity is what this process may use: of the machine's processors and memory, what
// its container leaves to it. What is not known is 0.
func Capacity() limits.Capacity {
	c := limits.Capacity{Processors: min(runtime.NumCPU(), runtime.GOMAXPROCS(0))}
	if m, err := mem.VirtualMemory(); err == nil {
		c.Memory = int64(min(m.Total, math.MaxInt64))
	}
	return bounds().within(c)
}

// bound is the least that a container or its parents allow; 0 means no bound.
type bound struct {
	processors float64
	memory     int64
}

// within has all of a processor where a part of one is left.
func (b bound) within(c limits.Capacity) limits.Capacity {
	if b.processors > 0 {
		c.Processors = min(c.Processors, int(math.Ceil(b.processors)))
	}
	if b.memory > 0 && (c.Memory == 0 || b.memory < c.Memory) {
		c.Memory = b.memory
	}
	return c
}

// lower takes in what one group allows.
func (b *bound) lower(processors float64, memory int64) {
	if processors > 0 && (b.processors == 0 || processors < b.processors) {
		b.processors = processors
	}
	if memory > 0 && (b.memory == 0 || memory < b.memory) {
		b.memory = memory
	}
}
