// Package flowrate measures how fast bytes come where they come in bursts, stop and go on.
// It knows no clock: whoever measures says how much time has passed.
package flowrate

import (
	"math"
	"time"
)

// Meter is the mean rate of late. The zero Meter knows nothing.
type Meter struct {
	bytes, busy float64 // busy in seconds
}

// memory is how far back the mean reaches: what is so long ago counts by a third.
const memory = 8 * time.Second

// Guess is a Meter that has seen this many bytes a second for as long as given: what is
// measured from then on weighs against it.
func Guess(rate float64, held time.Duration) Meter {
	return Meter{rate * held.Seconds(), held.Seconds()}
}

// Add notes how many bytes came within some time in which they were waited for. Bytes
// below zero take back what was noted and turned out to be in vain.
func (m *Meter) Add(bytes int64, elapsed time.Duration) {
	if elapsed <= 0 {
		m.bytes = max(0, m.bytes+float64(bytes))
		return
	}
	fade := math.Exp(-elapsed.Seconds() / memory.Seconds())
	counts := memory.Seconds() * (1 - fade) // of the time that has passed
	m.bytes = max(0, m.bytes*fade+float64(bytes)*counts/elapsed.Seconds())
	m.busy = m.busy*fade + counts
}

// Rate is in bytes a second; 0 if nothing comes.
func (m *Meter) Rate() float64 {
	if m.busy == 0 || m.bytes < 1 {
		return 0
	}
	return m.bytes / m.busy
}

// Knows tells whether it was waited for bytes for so long that the rate says something.
func (m *Meter) Knows(long time.Duration) bool { return m.busy >= long.Seconds() }

// Time is how long so many bytes take at a rate of bytes a second; for ever if nothing
// comes.
func Time(bytes int64, rate float64) time.Duration {
	if bytes <= 0 {
		return 0
	}
	if seconds := float64(bytes) / rate; seconds < forever.Seconds() {
		return time.Duration(seconds * float64(time.Second))
	}
	return forever
}

const forever = time.Duration(math.MaxInt64)
