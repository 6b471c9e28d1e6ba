package walls

import (
	"time"

	"golang.org/x/sys/unix"
)

// CPUTime is the processor time that a process has used, with all its threads.
func CPUTime(pid int) (used time.Duration, ok bool) {
	const scheduled = 2 // CPUCLOCK_SCHED, of a whole process
	var t unix.Timespec
	err := unix.ClockGettime(int32(^pid<<3|scheduled), &t)
	return time.Duration(t.Nano()), err == nil
}
