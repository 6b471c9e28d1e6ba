// Package limits says what a donor lends: slots, disk and the line.
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
}

// Default lends all processors but one, and 20 GiB of disk for blobs. The
// guests run at the lowest priority, so the machine stays usable.
func Default() Lent {
	return Lent{Slots: max(1, runtime.NumCPU()-1), Disk: 20 << 30}
}

// Validate says what cannot be lent.
func (l Lent) Validate() error {
	if l.Slots < 1 || l.Slots > 1024 {
		return fmt.Errorf("%d slots: want 1 to 1024", l.Slots)
	}
	if l.Disk < 1<<20 {
		return fmt.Errorf("%d bytes of disk: want at least 1 MiB", l.Disk)
	}
	return l.Traffic.Validate()
}
