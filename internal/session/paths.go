package session

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/reach"
)

// Open has the node's paths to others begin and end with the help of this session.
func (s *Session) Open(room *reach.Room) {
	s.OnSignal(func(m Signal) { room.Signalled(reach.Signal(m)) })
	room.Join(reach.Session{Signal: s.Signal, Coordinators: s.Known, Host: s.Host})
}

// Known are HOST:PORT of the coordinators that may be connected to.
func (s *Session) Known() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.known)
}
