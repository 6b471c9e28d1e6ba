package rpc

import (
	"cmp"
	"context"
	"slices"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// KeepBlob implements BlobService.
func (s *Server) KeepBlob(ctx context.Context, req *anthillv1.KeepBlobRequest) (*anthillv1.KeepBlobResponse, error) {
	ref, err := refFromProto("ref", req.GetRef())
	if err != nil {
		return nil, err
	}
	if err := checkAddress("provider", req.GetProvider()); err != nil {
		return nil, err
	}
	if err := s.cfg.Results.Room([]blob.Ref{ref}); err != nil {
		return nil, err
	}
	c := jobs.KeepBlob{Blob: ref, Name: req.GetName(), By: callerFrom(ctx).Node, Provider: req.GetProvider()}
	if _, err := s.propose(ctx, req.GetRequestId(), jobs.Command{Keep: &c}); err != nil {
		return nil, err
	}
	b, err := s.describeBlob(ref.ID)
	return &anthillv1.KeepBlobResponse{Blob: b}, err
}

// GetBlob implements BlobService.
func (s *Server) GetBlob(ctx context.Context, req *anthillv1.GetBlobRequest) (*anthillv1.GetBlobResponse, error) {
	id, err := blob.IDFrom(req.GetId())
	if err != nil {
		return nil, badField("id", "%v", err)
	}
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	b, err := s.describeBlob(id)
	return &anthillv1.GetBlobResponse{Blob: b}, err
}

func (s *Server) describeBlob(id blob.ID) (*anthillv1.Blob, error) {
	var b *anthillv1.Blob
	s.cfg.Replica.View(func(st *jobs.State) {
		if k := st.Blobs[id]; k != nil {
			b = blobToProto(st, id, k, readers(st))
		}
	})
	if b == nil {
		return nil, jobs.UnknownBlob(id)
	}
	return b, nil
}

// ListBlobs implements BlobService.
func (s *Server) ListBlobs(ctx context.Context, _ *anthillv1.ListBlobsRequest) (*anthillv1.ListBlobsResponse, error) {
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	c, resp := callerFrom(ctx), &anthillv1.ListBlobsResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		n, jobsOf := st.Nodes[c.Node], readers(st)
		for id, k := range st.Blobs {
			mine := n != nil && slices.ContainsFunc(k.Claims, func(claim jobs.Claim) bool { return claim.Owner == n.Owner })
			if mine || c.Role == jobs.Operator {
				resp.Blobs = append(resp.Blobs, blobToProto(st, id, k, jobsOf))
			}
		}
	})
	slices.SortFunc(resp.Blobs, func(a, b *anthillv1.Blob) int {
		return cmp.Or(
			b.GetClaims()[0].GetAt().AsTime().Compare(a.GetClaims()[0].GetAt().AsTime()),
			slices.Compare(a.GetRef().GetId(), b.GetRef().GetId()))
	})
	return resp, nil
}

// DropBlob implements BlobService.
func (s *Server) DropBlob(ctx context.Context, req *anthillv1.DropBlobRequest) (*anthillv1.DropBlobResponse, error) {
	id, err := blob.IDFrom(req.GetId())
	if err != nil {
		return nil, badField("id", "%v", err)
	}
	c := jobs.DropBlob{Blob: id, By: callerFrom(ctx).Node}
	_, err = s.propose(ctx, req.GetRequestId(), jobs.Command{Drop: &c})
	return &anthillv1.DropBlobResponse{}, err
}

// readers are the running jobs by the blobs that they read.
func readers(st *jobs.State) map[blob.ID][]string {
	list := map[blob.ID][]string{}
	for _, id := range st.Running() {
		for _, ref := range st.Jobs[id].Spec.Blobs() {
			list[ref.ID] = append(list[ref.ID], string(id))
		}
	}
	return list
}

func blobToProto(st *jobs.State, id blob.ID, k *jobs.Kept, jobsOf map[blob.ID][]string) *anthillv1.Blob {
	b := &anthillv1.Blob{
		Id: id.String(), Ref: refToProto(blob.Ref{ID: id, Size: k.Size}), Copies: uint32(k.Copies()), CopiesNeeded: uint32(st.CopiesNeeded()), Jobs: jobsOf[id],
	}
	b.CopyOwners = uint32(st.HolderOwners(k.Holders))
	for _, c := range k.Claims {
		b.Claims = append(b.Claims, &anthillv1.BlobClaim{Owner: string(c.Owner), Name: c.Name, At: timestamppb.New(c.At.Std())})
	}
	return b
}
