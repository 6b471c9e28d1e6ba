package sdk

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// silenceTold is how long no coordinator answers until people are told.
const silenceTold = 2 * time.Second

// silence tells people, once, that a call waits for a coordinator.
type silence struct {
	grid   *Grid
	untold time.Duration
	mu     sync.Mutex
	timer  *time.Timer // nil: somebody has answered
	told   bool
}

// begin is called before each try.
func (s *silence) begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil {
		s.timer = time.AfterFunc(s.untold, s.tell)
	}
}

func (s *silence) tell() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer == nil || s.told {
		return
	}
	s.told = true
	s.grid.waiting(fmt.Sprintf("no coordinator answers yet (tried %s): trying for %s in all; check that one of them runs and can be reached from here",
		strings.Join(s.grid.conn.Known(), ", "), s.grid.patience.Round(time.Millisecond)))
}

// end is called when a coordinator has answered, or nobody tries any more.
func (s *silence) end() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
}
