// Package limits says what a donor lends: slots, memory, disk and the line, to whom, and when. It
// decides from what it is told of the clock and the machine; it looks at neither.
package limits

import (
	"fmt"

	"github.com/anthill-grid/anthill/internal/throttle"
)

// Lent is what a worker may use of its machine.
type Lent struct {
	Slots int   // attempts at a time
	Disk  int64 // bytes of blobs
	// Memory is how many bytes the attempts that run may take together, as
	// jobs.Spec.Footprint counts them; 0: any number.
	Memory int64
	// Owners say for whose jobs.
	Owners Owners
	// Traffic bounds what is exchanged with other nodes.
	Traffic throttle.Limits
	// Yield says when it may use none of that.
	Yield Yield
}

const (
	// MaxSlots is how many attempts at a time a worker may be told to run.
	MaxSlots = 1024
	// MinDisk is the least space for blobs, in bytes.
	MinDisk = 1 << 20
	// MinMemory is the least memory that a worker may be told to use, in bytes: a task
	// with a small limit and its process fit in.
	MinMemory = 256 << 20
)

// Capacity is what there is to lend; 0 where that is not known.
type Capacity struct {
	Processors int
	Memory     int64 // bytes
}

// slotMemory is the room for a task with the default limit of 512 MiB, and for the
// process that runs it.
const slotMemory = 640 << 20

// Default lends half of the memory; all processors but one, and no more slots than there
// is memory for; and 20 GiB of disk for blobs, on mains only. The guests run at the lowest priority, so the
// machine stays usable.
func Default(c Capacity) Lent {
	slots, memory := c.Processors-1, int64(0)
	if c.Memory > 0 {
		memory = max(c.Memory/2, MinMemory)
		slots = min(slots, int(memory/slotMemory))
	}
	return Lent{Slots: min(max(1, slots), MaxSlots), Memory: memory, Disk: 20 << 30, Yield: Yield{Battery: true}}
}

// Validate returns an error if there are not 1 to MaxSlots slots, less than MinDisk
// bytes of disk or MinMemory of memory, owners that are none, or limits of traffic that
// make no sense.
func (l Lent) Validate() error {
	if l.Slots < 1 || l.Slots > MaxSlots {
		return fmt.Errorf("%d slots: want 1 to %d", l.Slots, MaxSlots)
	}
	if l.Disk < MinDisk {
		return fmt.Errorf("%d bytes of disk: want at least 1 MiB", l.Disk)
	}
	if l.Memory != 0 && l.Memory < MinMemory {
		return fmt.Errorf("%d bytes of memory: want at least 256 MiB", l.Memory)
	}
	if err := l.Owners.Validate(); err != nil {
		return err
	}
	return l.Traffic.Validate()
}
