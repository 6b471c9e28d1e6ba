package session

import (
	"context"
	"slices"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/reach"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Open has the node's paths to others begin and end with the help of this session.
func (s *Session) Open(room *reach.Room) {
	s.OnSignal(func(m Signal) { room.Signalled(reach.Signal(m)) })
	room.Join(reach.Session{Signal: s.Signal, Coordinators: s.Known, Host: s.Host, LookBack: s.LookBack})
}

// Known are HOST:PORT of the coordinators that may be connected to.
func (s *Session) Known() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.known)
}

// LookBack has the coordinator of this session dial this node.
func (s *Session) LookBack(ctx context.Context, q reach.LookBack) ([]reach.Look, error) {
	s.mu.Lock()
	home := s.home
	s.mu.Unlock()
	if home == nil {
		return nil, status.Error(codes.Unavailable, "look back: this node has no session at the moment")
	}
	resp, err := anthillv1.NewSessionServiceClient(home.conn).LookBack(ctx, &anthillv1.LookBackRequest{
		Address: q.Address, Advertised: q.Advertised, Mapped: q.Mapped, Udp: q.Mapping.Proto(), Relay: q.Relay,
	})
	if err != nil {
		return nil, err
	}
	var looks []reach.Look
	for _, l := range resp.GetLooks() {
		looks = append(looks, reach.Look{Address: l.GetAddress(), Answered: l.GetAnswered(), Why: l.GetWhy()})
	}
	return looks, nil
}
