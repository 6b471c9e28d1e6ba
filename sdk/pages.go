package sdk

import (
	"context"
	"iter"

	"google.golang.org/grpc"
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
	return walk(ctx, g, "list jobs", g.jobs.ListJobs, req, &req.PageSize, &req.PageToken, (*anthillv1.ListJobsResponse).GetJobs)
}

// EachNode walks the coordinators and workers, in the order of role and id.
func (g *Grid) EachNode(ctx context.Context, which *anthillv1.ListNodesRequest) iter.Seq2[*anthillv1.Node, error] {
	req := question(which)
	return walk(ctx, g, "list nodes", g.nodes.ListNodes, req, &req.PageSize, &req.PageToken, (*anthillv1.ListNodesResponse).GetNodes)
}

// EachBlob walks the datasets that the grid keeps for this owner (for an operator: for
// anybody), the latest first.
func (g *Grid) EachBlob(ctx context.Context, which *anthillv1.ListBlobsRequest) iter.Seq2[*anthillv1.Blob, error] {
	req := question(which)
	return walk(ctx, g, "list blobs", g.blobs.ListBlobs, req, &req.PageSize, &req.PageToken, (*anthillv1.ListBlobsResponse).GetBlobs)
}

// EachToken walks the join tokens that the grid remembers, the latest to expire first.
func (g *Grid) EachToken(ctx context.Context, which *anthillv1.ListTokensRequest) iter.Seq2[*anthillv1.JoinToken, error] {
	req := question(which)
	return walk(ctx, g, "list tokens", g.admin.ListTokens, req, &req.PageSize, &req.PageToken, (*anthillv1.ListTokensResponse).GetTokens)
}

// EachMember walks all nodes that the grid knows, in the order of their ids.
func (g *Grid) EachMember(ctx context.Context, which *anthillv1.ListMembersRequest) iter.Seq2[*anthillv1.Member, error] {
	req := question(which)
	return walk(ctx, g, "list nodes", g.admin.ListMembers, req, &req.PageSize, &req.PageToken, (*anthillv1.ListMembersResponse).GetMembers)
}

// EachOwner walks the owners of nodes, in the order of their names. It is an error of kind
// ErrNotFound if one is asked for that there is not.
func (g *Grid) EachOwner(ctx context.Context, which *anthillv1.ListOwnersRequest) iter.Seq2[*anthillv1.Owner, error] {
	req := question(which)
	return walk(ctx, g, "list owners", g.admin.ListOwners, req, &req.PageSize, &req.PageToken, (*anthillv1.ListOwnersResponse).GetOwners)
}

// EachAct walks the grid's record of administrative acts, the latest first.
func (g *Grid) EachAct(ctx context.Context, which *anthillv1.ListActsRequest) iter.Seq2[*anthillv1.AdministrativeAct, error] {
	req := question(which)
	return walk(ctx, g, "list acts", g.admin.ListActs, req, &req.PageSize, &req.PageToken, (*anthillv1.ListActsResponse).GetActs)
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

// walk calls a method for page after page, and gives what is on each, up to the last. Size
// and token are the request's.
func walk[Q any, R interface{ GetNextPageToken() string }, M any](
	ctx context.Context, g *Grid, what string, list func(context.Context, Q, ...grpc.CallOption) (R, error),
	req Q, size *uint32, token *string, listed func(R) []M,
) iter.Seq2[M, error] {
	if *size == 0 {
		*size = largestPage
	}
	return func(yield func(M, error) bool) {
		*token = ""
		for more := true; more; more = *token != "" {
			resp, err := call(ctx, g, what, func(ctx context.Context) (R, error) { return list(ctx, req) })
			if err != nil {
				var none M
				yield(none, err)
				return
			}
			for _, m := range listed(resp) {
				if !yield(m, nil) {
					return
				}
			}
			*token = resp.GetNextPageToken()
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
