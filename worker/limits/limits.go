// Package limits says what a donor lends: slots, disk and the line, and when. It
// decides from what it is told of the clock and the machine; it looks at neither.
package limits

import (
	"fmt"
	"runtime"

	"github.com/anthill-grid/anthill/internal/throttle"
)

// Lent is what a worker may use of its machine.
type Lent struct {
	Slots int   // attempts at a time
	Disk  int64 // bytes of blobs
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
)

// Default lends all processors but one, and 20 GiB of disk for blobs, on mains
// only. The guests run at the lowest priority, so the machine stays usable.
func Default() Lent {
	return Lent{Slots: max(1, runtime.NumCPU()-1), Disk: 20 << 30, Yield: Yield{Battery: true}}
}

// Validate returns an error if there are not 1 to MaxSlots slots, less than MinDisk
// bytes of disk, or limits of traffic that make no sense.
func (l Lent) Validate() error {
	if l.Slots < 1 || l.Slots > MaxSlots {
		return fmt.Errorf("%d slots: want 1 to %d", l.Slots, MaxSlots)
	}
	if l.Disk < MinDisk {
		return fmt.Errorf("%d bytes of disk: want at least 1 MiB", l.Disk)
	}
	return l.Traffic.Validate()
}
