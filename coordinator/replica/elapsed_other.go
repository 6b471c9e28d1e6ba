//go:build !linux

package replica

import "time"

// elapsed is the time since the process started. Where the machine slept it may
// lack the sleep, which then looks like a step of the clock.
func elapsed() time.Duration { return time.Since(started) }
