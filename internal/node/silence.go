package node

import (
	"sync"
	"time"
)

const (
	// silenceTold is how long nobody answers until that is told, and silenceAgain how
	// long until it is told again.
	silenceTold  = 5 * time.Second
	silenceAgain = time.Minute
)

// Silence is since when a node is not answered by those that it needs: its operator hears
// of it soon, and then now and then.
type Silence struct {
	mu    sync.Mutex
	since time.Time // zero: somebody does
	told  time.Time
	why   string
}

// Unanswered notes that nobody answers. It says whether that is to be told
// now, and for how long it has been so.
func (s *Silence) Unanswered(now time.Time, err error) (tell bool, long time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.since.IsZero() {
		s.since = now
	}
	s.why = err.Error()
	long = now.Sub(s.since)
	if long < silenceTold || now.Sub(s.told) < silenceAgain {
		return false, long
	}
	s.told = now
	return true, long
}

// Answered notes that somebody does, and says whether it was told before that nobody does.
func (s *Silence) Answered() (told bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	told = !s.told.IsZero()
	s.since, s.told, s.why = time.Time{}, time.Time{}, ""
	return told
}

// Lasts is since when nobody answers, and why; false if somebody does.
func (s *Silence) Lasts() (since time.Time, why string, yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.since, s.why, !s.since.IsZero()
}
