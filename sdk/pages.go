package sdk

import (
	"context"
	"iter"

	"google.golang.org/protobuf/proto"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Lists come in pages, which these walk: each asks for the next page when it is wanted, and
// goes on after a coordinator was lost. An error is the last that comes. A request says
// which of a list are wanted; its page_size, 0 for as many as there can be, is how many are
// asked for at a time.

// largestPage is as many as coordinators answer at a time.
const largestPage = 1000

// EachJob walks the jobs of this identity's owner (for an operator: of anybody), newest
// first.
func (g *Grid) EachJob(ctx context.Context, which *anthillv1.ListJobsRequest) iter.Seq2[*anthillv1.Job, error] {
	req := question(which)
	return walk(&req.PageSize, func(token string) ([]*anthillv1.Job, string, error) {
		req.PageToken = token
		resp, err := call(ctx, g, "list jobs", func(ctx context.Context) (*anthillv1.ListJobsResponse, error) {
			return g.jobs.ListJobs(ctx, req)
		})
		return resp.GetJobs(), resp.GetNextPageToken(), err
	})
}

// EachNode walks the coordinators and workers, in the order of role and id.
func (g *Grid) EachNode(ctx context.Context, which *anthillv1.ListNodesRequest) iter.Seq2[*anthillv1.Node, error] {
	req := question(which)
	return walk(&req.PageSize, func(token string) ([]*anthillv1.Node, string, error) {
		req.PageToken = token
		resp, err := call(ctx, g, "list nodes", func(ctx context.Context) (*anthillv1.ListNodesResponse, error) {
			return g.nodes.ListNodes(ctx, req)
		})
		return resp.GetNodes(), resp.GetNextPageToken(), err
	})
}

// EachBlob walks the datasets that the grid keeps for this owner (for an operator: for
// anybody), the latest first.
func (g *Grid) EachBlob(ctx context.Context, which *anthillv1.ListBlobsRequest) iter.Seq2[*anthillv1.Blob, error] {
	req := question(which)
	return walk(&req.PageSize, func(token string) ([]*anthillv1.Blob, string, error) {
		req.PageToken = token
		resp, err := call(ctx, g, "list blobs", func(ctx context.Context) (*anthillv1.ListBlobsResponse, error) {
			return g.blobs.ListBlobs(ctx, req)
		})
		return resp.GetBlobs(), resp.GetNextPageToken(), err
	})
}

// EachToken walks the join tokens that the grid remembers, the latest to expire first.
func (g *Grid) EachToken(ctx context.Context, which *anthillv1.ListTokensRequest) iter.Seq2[*anthillv1.JoinToken, error] {
	req := question(which)
	return walk(&req.PageSize, func(token string) ([]*anthillv1.JoinToken, string, error) {
		req.PageToken = token
		resp, err := call(ctx, g, "list tokens", func(ctx context.Context) (*anthillv1.ListTokensResponse, error) {
			return g.admin.ListTokens(ctx, req)
		})
		return resp.GetTokens(), resp.GetNextPageToken(), err
	})
}

// EachMember walks all nodes that the grid knows, in the order of their ids.
func (g *Grid) EachMember(ctx context.Context, which *anthillv1.ListMembersRequest) iter.Seq2[*anthillv1.Member, error] {
	req := question(which)
	return walk(&req.PageSize, func(token string) ([]*anthillv1.Member, string, error) {
		req.PageToken = token
		resp, err := call(ctx, g, "list nodes", func(ctx context.Context) (*anthillv1.ListMembersResponse, error) {
			return g.admin.ListMembers(ctx, req)
		})
		return resp.GetMembers(), resp.GetNextPageToken(), err
	})
}

// EachOwner walks the owners of nodes, in the order of their names. It is an error of kind
// ErrNotFound if one is asked for that there is not.
func (g *Grid) EachOwner(ctx context.Context, which *anthillv1.ListOwnersRequest) iter.Seq2[*anthillv1.Owner, error] {
	req := question(which)
	return walk(&req.PageSize, func(token string) ([]*anthillv1.Owner, string, error) {
		req.PageToken = token
		resp, err := call(ctx, g, "list owners", func(ctx context.Context) (*anthillv1.ListOwnersResponse, error) {
			return g.admin.ListOwners(ctx, req)
		})
		return resp.GetOwners(), resp.GetNextPageToken(), err
	})
}

// EachAct walks the grid's record of administrative acts, the latest first.
func (g *Grid) EachAct(ctx context.Context, which *anthillv1.ListActsRequest) iter.Seq2[*anthillv1.AdministrativeAct, error] {
	req := question(which)
	return walk(&req.PageSize, func(token string) ([]*anthillv1.AdministrativeAct, string, error) {
		req.PageToken = token
		resp, err := call(ctx, g, "list acts", func(ctx context.Context) (*anthillv1.ListActsResponse, error) {
			return g.admin.ListActs(ctx, req)
		})
		return resp.GetActs(), resp.GetNextPageToken(), err
	})
}

// question is a request of one's own, also where there is none.
func question[M any, P interface {
	*M
	proto.Message
}](which P) P {
	if which == nil {
		return new(M)
	}
	return proto.CloneOf(which)
}

// walk gives what is on each page, up to the last.
func walk[M any](size *uint32, page func(token string) ([]M, string, error)) iter.Seq2[M, error] {
	if *size == 0 {
		*size = largestPage
	}
	return func(yield func(M, error) bool) {
		for token, more := "", true; more; more = token != "" {
			list, next, err := page(token)
			for _, m := range list {
				if !yield(m, nil) {
					return
				}
			}
			if err != nil {
				var none M
				yield(none, err)
				return
			}
			token = next
		}
	}
}

// gather is a whole list.
func gather[M any](list iter.Seq2[M, error]) (all []M, err error) {
	for m, err := range list {
		if err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, nil
}
