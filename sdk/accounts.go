package sdk

import (
	"context"
	"crypto/rand"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// SetOwner changes how much an owner may use, for operators: others get an error of kind
// ErrRefused. It is one of kind ErrNotFound if the grid knows nobody of this name. A
// request_id is made if there is none.
func (g *Grid) SetOwner(ctx context.Context, req *anthillv1.SetOwnerRequest) (*anthillv1.Account, error) {
	if req.GetRequestId() == "" {
		req.RequestId = rand.Text()
	}
	resp, err := call(ctx, g, "set owner", func(ctx context.Context) (*anthillv1.SetOwnerResponse, error) {
		return g.accounts.SetOwner(ctx, req)
	})
	return resp.GetAccount(), err
}

// Account tells what an owner uses and may use: that of this identity if the name is empty.
// It is an error of kind ErrNotFound if it is somebody else's, and this is no operator.
func (g *Grid) Account(ctx context.Context, owner string) (*anthillv1.Account, error) {
	resp, err := call(ctx, g, "get account", func(ctx context.Context) (*anthillv1.GetAccountResponse, error) {
		return g.accounts.GetAccount(ctx, &anthillv1.GetAccountRequest{Owner: owner})
	})
	return resp.GetAccount(), err
}

// DeleteJob has the grid forget a finished job and its results. It is an error of kind
// ErrNotFound if there is none of this id, and of kind ErrRefused if it is not finished.
func (g *Grid) DeleteJob(ctx context.Context, id string) error {
	req := &anthillv1.DeleteJobRequest{JobId: id, RequestId: rand.Text()}
	_, err := call(ctx, g, "remove job", func(ctx context.Context) (*anthillv1.DeleteJobResponse, error) {
		return g.jobs.DeleteJob(ctx, req)
	})
	return err
}
