package sdk

import (
	"context"
	"crypto/rand"
	"slices"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// What follows is for operators: others get an error of kind ErrRefused. Reasons are
// kept in the grid's record, see EachAct.

// RevokeToken ends a token, named by itself or by the first digits of its id.
func (g *Grid) RevokeToken(ctx context.Context, token, reason string) (*anthillv1.JoinToken, error) {
	req := &anthillv1.RevokeTokenRequest{Token: token, Reason: reason, RequestId: rand.Text()}
	resp, err := call(ctx, g, "revoke token", func(ctx context.Context) (*anthillv1.RevokeTokenResponse, error) {
		return g.admin.RevokeToken(ctx, req)
	})
	return resp.GetToken(), err
}

// EndNode ends a node's part in the grid. A request_id is made if there is none.
func (g *Grid) EndNode(ctx context.Context, req *anthillv1.EndNodeRequest) (*anthillv1.Member, error) {
	if req.GetRequestId() == "" {
		req.RequestId = rand.Text()
	}
	resp, err := call(ctx, g, "end node", func(ctx context.Context) (*anthillv1.EndNodeResponse, error) {
		return g.admin.EndNode(ctx, req)
	})
	return resp.GetMember(), err
}

// BanOwner bans an owner, or lifts its ban.
func (g *Grid) BanOwner(ctx context.Context, name, reason string, lift bool) (*anthillv1.Owner, error) {
	req := &anthillv1.BanOwnerRequest{Owner: name, Reason: reason, Lift: lift, RequestId: rand.Text()}
	resp, err := call(ctx, g, "ban owner", func(ctx context.Context) (*anthillv1.BanOwnerResponse, error) {
		return g.admin.BanOwner(ctx, req)
	})
	return resp.GetOwner(), err
}

// Denied is the grid's deny list, in the order of its keys.
func (g *Grid) Denied(ctx context.Context) (list []*anthillv1.Denied, err error) {
	req := &anthillv1.ListDeniedRequest{}
	for {
		resp, err := call(ctx, g, "list deny list", func(ctx context.Context) (*anthillv1.ListDeniedResponse, error) {
			return g.admin.ListDenied(ctx, req)
		})
		if err != nil {
			return nil, err
		}
		list = append(list, resp.GetDenied()...)
		if req.PageToken = resp.GetNextPageToken(); req.PageToken == "" {
			return list, nil
		}
	}
}

// ChangeDenied takes blobs on the grid's deny list, by their keys, or off it.
func (g *Grid) ChangeDenied(ctx context.Context, keys []string, off bool, reason string) error {
	for part := range slices.Chunk(keys, jobs.MaxDenyChange) {
		req := &anthillv1.ChangeDeniedRequest{Keys: part, Off: off, Reason: reason, RequestId: rand.Text()}
		_, err := call(ctx, g, "change deny list", func(ctx context.Context) (*anthillv1.ChangeDeniedResponse, error) {
			return g.admin.ChangeDenied(ctx, req)
		})
		if err != nil {
			return err
		}
	}
	return nil
}
