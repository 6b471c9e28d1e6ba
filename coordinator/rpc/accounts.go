package rpc

import (
	"context"

	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// SetOwner implements AccountService.
func (s *Server) SetOwner(ctx context.Context, req *anthillv1.SetOwnerRequest) (*anthillv1.SetOwnerResponse, error) {
	if (req.GetOwner() == "") != req.GetEverybody() {
		return nil, jobs.InvalidField("owner", "it is one owner or everybody, and not both")
	}
	c := jobs.SetOwner{By: callerFrom(ctx).Node, Owner: jobs.OwnerID(req.GetOwner()), Set: wire.TermsFromProto(req.GetSet()), Why: req.GetReason()}
	for _, item := range req.GetUsual() {
		c.Usual = append(c.Usual, wire.ItemFromProto(item))
	}
	var r *jobs.Rejection
	s.cfg.Replica.View(func(st *jobs.State) { r = st.MaySet(&c) })
	if r != nil {
		return nil, r
	}
	if _, err := s.propose(ctx, req.GetRequestId(), jobs.Command{SetOwner: &c}); err != nil {
		return nil, err
	}
	return &anthillv1.SetOwnerResponse{Account: s.account(c.Owner)}, nil
}

// GetAccount implements AccountService.
func (s *Server) GetAccount(ctx context.Context, req *anthillv1.GetAccountRequest) (*anthillv1.GetAccountResponse, error) {
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	c, owner := callerFrom(ctx), jobs.OwnerID(req.GetOwner())
	own := s.ownerOf(c.Node)
	if owner == "" {
		owner = own
	}
	known := false
	s.cfg.Replica.View(func(st *jobs.State) { known = st.Owners[owner] != nil })
	if owner != own && (c.Role != jobs.Operator || !known) {
		return nil, unknownOwner(owner)
	}
	return &anthillv1.GetAccountResponse{Account: s.account(owner)}, nil
}

// unknownOwner is what is said of owners that are not there, and to others than operators
// of those that are.
func unknownOwner(owner jobs.OwnerID) error {
	return &jobs.Rejection{
		Code: jobs.NotFound, Reason: "UNKNOWN_OWNER", Subject: "owner " + string(owner),
		Message: "the grid knows nobody of this name, or it is not yours to ask", Next: "leave the name out for yourself",
	}
}

func (s *Server) account(owner jobs.OwnerID) (m *anthillv1.Account) {
	s.cfg.Replica.View(func(st *jobs.State) { m = wire.AccountToProto(st, owner) })
	return m
}
