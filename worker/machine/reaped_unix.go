//go:build unix

package machine

import (
	"syscall"
	"time"
)

// reaped is the processor time of children that have ended. The system knows it
// to the end; seen is what was seen of it.
func reaped(seen time.Duration) time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_CHILDREN, &u) != nil {
		return seen
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
