package machine

import "time"

// reaped is the processor time of children that have ended, as far as it was
// seen: the system forgets it.
func reaped(seen time.Duration) time.Duration { return seen }
