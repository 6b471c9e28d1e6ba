package rpc

import (
	"fmt"

	"github.com/anthill-grid/anthill/coordinator/desk"
)

// unlessFrozen answers a call, but not for longer than this coordinator's disk takes
// writes: what is here grows old meanwhile, and whoever waits had better ask another. A
// call that hangs in the disk ends when that goes on, and nobody hears of it.
func (s *Server) unlessFrozen(answer func() error) error {
	done := make(chan error, 1)
	frozen := s.cfg.Replica.WhileFrozen()
	if err := s.cfg.Replica.Frozen(); err != nil {
		return fmt.Errorf("%w: %w", desk.ErrNoLeader, err)
	}
	go func() { done <- answer() }()
	select {
	case err := <-done:
		return err
	case <-frozen:
		return fmt.Errorf("%w: %w", desk.ErrNoLeader, s.cfg.Replica.Frozen())
	}
}
