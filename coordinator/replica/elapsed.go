package replica

import "time"

// started is a moment to measure from; its monotonic reading counts.
var started = time.Now()
