package rpc

import (
	"context"
	"fmt"
	"strings"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// leastDigits is how many digits of an id name what it is of.
	leastDigits = 8
)

// ListTokens implements AdminService.
func (s *Server) ListTokens(ctx context.Context, req *anthillv1.ListTokensRequest) (*anthillv1.ListTokensResponse, error) {
	p, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	resp := &anthillv1.ListTokensResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		var list []place
		for id, t := range st.Tokens {
			if req.GetOwner() == "" || req.GetOwner() == string(t.Owner) {
				list = append(list, place{At: t.Expires, ID: string(id)})
			}
		}
		resp.Tokens, resp.NextPageToken = cut(p, list, func(at place) *anthillv1.JoinToken {
			id := jobs.TokenID(at.ID)
			return tokenView(id, st.Tokens[id])
		})
	})
	return resp, nil
}

func tokenView(id jobs.TokenID, t *jobs.Token) *anthillv1.JoinToken {
	m := &anthillv1.JoinToken{
		Id: string(id), Role: wire.RoleToProto(t.Role), Owner: string(t.Owner), ExpiresAt: wire.TimeToProto(t.Expires),
		UsesLeft: t.Uses, Used: uint32(len(t.Nodes)), CreatedBy: string(t.By),
	}
	if t.Created != 0 {
		m.CreatedAt = wire.TimeToProto(t.Created)
	}
	return m
}

// RevokeToken implements AdminService.
func (s *Server) RevokeToken(ctx context.Context, req *anthillv1.RevokeTokenRequest) (*anthillv1.RevokeTokenResponse, error) {
	name := req.GetToken()
	if token, err := identity.ParseToken(name); err == nil {
		name = string(tokenID(token.Secret[:]))
	}
	resp := &anthillv1.RevokeTokenResponse{}
	id, err := named(s, name, jobs.UnknownToken, func(st *jobs.State) map[jobs.TokenID]*jobs.Token { return st.Tokens },
		func(id jobs.TokenID, t *jobs.Token) { resp.Token = tokenView(id, t) })
	if err != nil {
		return nil, err
	}
	c := jobs.RevokeToken{Token: id, By: callerFrom(ctx).Node, Why: req.GetReason()}
	_, err = s.propose(ctx, req.GetRequestId(), jobs.Command{RevokeToken: &c})
	return resp, err
}

// named finds what has an id that begins with these digits, and nothing else has.
func named[K ~string, V any](s *Server, digits string, unknown func(K) *jobs.Rejection, all func(*jobs.State) map[K]V, found func(K, V)) (id K, err error) {
	if len(digits) < leastDigits {
		return "", jobs.InvalidField("id", "%q: give at least the first %d digits", digits, leastDigits)
	}
	n := 0
	s.cfg.Replica.View(func(st *jobs.State) {
		for key, v := range all(st) {
			if strings.HasPrefix(string(key), digits) {
				n++
				id = key
				found(key, v)
			}
		}
	})
	switch n {
	case 0:
		return "", unknown(K(digits))
	case 1:
		return id, nil
	}
	return "", jobs.InvalidField("id", "%d ids begin with %q: give more digits", n, digits)
}

// ListMembers implements AdminService.
func (s *Server) ListMembers(ctx context.Context, req *anthillv1.ListMembersRequest) (*anthillv1.ListMembersResponse, error) {
	p, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	lives := map[jobs.NodeID]membership.Member{}
	for _, m := range s.cfg.Members() {
		lives[m.Node] = m
	}
	for id := range s.cfg.Workers(ctx) {
		lives[id] = membership.Member{Node: id, Role: jobs.Worker, Status: membership.Alive}
	}
	resp := &anthillv1.ListMembersResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		var list []place
		for id, n := range st.Nodes {
			if wantsNode(req, n) && (n.Ended == nil || !req.GetPresent()) {
				list = append(list, place{ID: string(id)})
			}
		}
		resp.Members, resp.NextPageToken = cut(p, list, func(at place) *anthillv1.Member {
			id := jobs.NodeID(at.ID)
			m := memberView(st, id)
			if n := st.Nodes[id]; n.Ended == nil && (n.Role == jobs.Coordinator || n.Role == jobs.Worker) {
				m.Liveness = s.livenessOf(id, n.Role, lives[id])
			}
			return m
		})
	})
	return resp, nil
}

func memberView(st *jobs.State, id jobs.NodeID) *anthillv1.Member {
	n := st.Nodes[id]
	m := &anthillv1.Member{
		Id: string(id), Role: wire.RoleToProto(n.Role), Owner: string(n.Owner), AdmittedAt: wire.TimeToProto(n.Admitted), ShutOut: st.ShutOut(id),
	}
	if n.Ended != nil {
		m.EndedAt, m.Revoked = wire.TimeToProto(n.Ended.At), n.Ended.Revoked
	}
	return m
}

// EndNode implements AdminService.
func (s *Server) EndNode(ctx context.Context, req *anthillv1.EndNodeRequest) (*anthillv1.EndNodeResponse, error) {
	id, err := named(s, req.GetNode(), jobs.UnknownNode, func(st *jobs.State) map[jobs.NodeID]*jobs.Node { return st.Nodes }, func(jobs.NodeID, *jobs.Node) {})
	if err != nil {
		return nil, err
	}
	c := jobs.EndNode{Node: id, By: callerFrom(ctx).Node, Revoke: req.GetRevoke(), Coordinator: req.GetCoordinator(), Why: req.GetReason()}
	if err := s.retire(ctx, &c); err != nil {
		return nil, err
	}
	if _, err := s.propose(ctx, req.GetRequestId(), jobs.Command{EndNode: &c}); err != nil {
		return nil, err
	}
	resp := &anthillv1.EndNodeResponse{}
	s.cfg.Replica.View(func(st *jobs.State) { resp.Member = memberView(st, id) })
	return resp, nil
}

// retire takes a coordinator's vote before it is ended.
func (s *Server) retire(ctx context.Context, c *jobs.EndNode) error {
	if err := s.readable(jobs.Command{EndNode: c}); err != nil {
		return err
	}
	var r *jobs.Rejection
	s.cfg.Replica.View(func(st *jobs.State) { r = st.MayEnd(c) })
	switch {
	case r != nil:
		return r
	case !c.Coordinator || s.cfg.Retire == nil:
		return nil
	}
	return s.cfg.Retire(ctx, c.Node)
}

// ListOwners implements AdminService.
func (s *Server) ListOwners(ctx context.Context, req *anthillv1.ListOwnersRequest) (*anthillv1.ListOwnersResponse, error) {
	p, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	resp, only := &anthillv1.ListOwnersResponse{}, jobs.OwnerID(req.GetName())
	s.cfg.Replica.View(func(st *jobs.State) {
		views := ownerViews(st, only)
		var list []place
		for id := range views {
			list = append(list, place{ID: string(id)})
		}
		resp.Owners, resp.NextPageToken = cut(p, list, func(at place) *anthillv1.Owner { return views[jobs.OwnerID(at.ID)] })
	})
	if only != "" && len(resp.GetOwners()) == 0 {
		return nil, jobs.UnknownOwner(only)
	}
	return resp, nil
}

// ownerViews describe one owner, or all of them.
func ownerViews(st *jobs.State, only jobs.OwnerID) map[jobs.OwnerID]*anthillv1.Owner {
	views := map[jobs.OwnerID]*anthillv1.Owner{}
	for id, o := range st.Owners {
		if only == "" || only == id {
			views[id] = &anthillv1.Owner{Name: string(id), Record: recordView(o, st.Credibility(id))}
		}
	}
	count(st, views)
	return views
}

// count adds up what is whose.
func count(st *jobs.State, views map[jobs.OwnerID]*anthillv1.Owner) {
	for _, n := range st.Nodes {
		if v := views[n.Owner]; v != nil && n.Ended == nil {
			v.Nodes++
			if n.Role == jobs.Worker {
				v.Workers++
			}
		}
	}
	for _, j := range st.Jobs {
		if v := views[j.Owner]; v != nil && j.State == jobs.JobRunning {
			v.JobsRunning++
		} else if v != nil {
			v.JobsFinished++
		}
	}
	for _, d := range st.Datasets {
		for _, id := range d.Owners() {
			if v := views[id]; v != nil {
				v.Datasets++
			}
		}
	}
}

// BanOwner implements AdminService.
func (s *Server) BanOwner(ctx context.Context, req *anthillv1.BanOwnerRequest) (*anthillv1.BanOwnerResponse, error) {
	c := jobs.BanOwner{Owner: jobs.OwnerID(req.GetOwner()), By: callerFrom(ctx).Node, Why: req.GetReason(), Lift: req.GetLift()}
	if _, err := s.propose(ctx, req.GetRequestId(), jobs.Command{BanOwner: &c}); err != nil {
		return nil, err
	}
	resp := &anthillv1.BanOwnerResponse{}
	s.cfg.Replica.View(func(st *jobs.State) { resp.Owner = ownerViews(st, c.Owner)[c.Owner] })
	return resp, nil
}

// ListActs implements AdminService.
func (s *Server) ListActs(ctx context.Context, req *anthillv1.ListActsRequest) (*anthillv1.ListActsResponse, error) {
	p, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	resp := &anthillv1.ListActsResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		var list []place
		at := map[place]*jobs.Entry{}
		for i := range st.Record {
			e := &st.Record[i]
			if req.GetSince() == nil || !e.At.Std().Before(req.GetSince().AsTime()) {
				here := actPlace(st.Record, i)
				list, at[here] = append(list, here), e
			}
		}
		resp.Acts, resp.NextPageToken = cut(p, list, func(here place) *anthillv1.AdministrativeAct { return actView(at[here]) })
	})
	return resp, nil
}

// actPlace is where an act stands in the list of acts. Those of one time have no other id
// than their number among them, of which the last comes first.
func actPlace(record []jobs.Entry, i int) place {
	before := 0
	for before < i && record[i-before-1].At == record[i].At {
		before++
	}
	return place{At: record[i].At, ID: fmt.Sprintf("%08d", 99_999_999-before)}
}

func actView(e *jobs.Entry) *anthillv1.AdministrativeAct {
	return &anthillv1.AdministrativeAct{
		At: wire.TimeToProto(e.At), NodeId: string(e.By), Owner: string(e.Owner), Act: string(e.Act), Subject: e.Subject, Reason: e.Why,
	}
}
