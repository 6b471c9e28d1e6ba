package rpc

import (
	"context"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Move implements CoordinatorService. The caller is the coordinator itself, whichever
// other forwards its call.
func (s *Server) Move(ctx context.Context, req *anthillv1.MoveRequest) (*anthillv1.MoveResponse, error) {
	if err := checkAddress("address", req.GetAddress()); err != nil {
		return nil, err
	}
	c := jobs.MoveNode{Node: callerFrom(ctx).Node, Address: req.GetAddress(), Moves: req.GetMoves()}
	var r *jobs.Rejection
	var moves uint64
	known := false
	s.cfg.Replica.View(func(st *jobs.State) {
		if r = st.MayMove(&c); st.Nodes[c.Node] != nil {
			moves, known = st.Nodes[c.Node].Moves, st.Nodes[c.Node].Address == c.Address
		}
	})
	switch {
	case known:
		return &anthillv1.MoveResponse{Moves: c.Moves}, nil
	case r != nil && c.Moves != moves+1:
		return &anthillv1.MoveResponse{Moves: moves}, nil
	case r != nil:
		return nil, r
	}
	_, err := s.propose(ctx, "", jobs.Command{Move: &c})
	return &anthillv1.MoveResponse{Moves: c.Moves}, err
}
