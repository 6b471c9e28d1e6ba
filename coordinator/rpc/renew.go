package rpc

import (
	"context"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Renew implements EnrolmentService. The caller has proved its key in the handshake, be it
// by a certificate of its own making: what it is the state says, and whether it still is.
func (s *Server) Renew(ctx context.Context, _ *anthillv1.RenewRequest) (*anthillv1.RenewResponse, error) {
	c := callerFrom(ctx)
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	role := jobs.Stranger
	var refused error
	s.cfg.Replica.View(func(st *jobs.State) {
		n := st.Nodes[c.Node]
		if n == nil {
			refused = nodeUnknown(c.Node)
			return
		}
		role = n.Role
		if why := st.ShutOut(c.Node); why != "" {
			refused = shutOut(c.Node, why, n.Ended == nil)
		}
	})
	if refused != nil {
		return nil, refused
	}
	cert, err := s.authority().IssueAt(s.cfg.Replica.Now().Std(), c.key, role, nil)
	return &anthillv1.RenewResponse{Certificate: cert, Coordinators: s.coordinators()}, err
}
