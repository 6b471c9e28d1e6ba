package rpc

import (
	"context"
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// KeepBlob implements BlobService.
func (s *Server) KeepBlob(ctx context.Context, req *anthillv1.KeepBlobRequest) (*anthillv1.KeepBlobResponse, error) {
	ref, err := wire.RefFromProto("ref", req.GetRef())
	if err != nil {
		return nil, err
	}
	if err := checkAddress("provider", req.GetProvider()); err != nil {
		return nil, err
	}
	if err := s.spaceFor(callerFrom(ctx).Node, ref); err != nil {
		return nil, err
	}
	by := callerFrom(ctx)
	c := jobs.KeepBlob{Blob: ref, Name: req.GetName(), By: by.Node, Provider: s.reach(by, req.GetProvider()), Room: s.cfg.Results.DatasetSpace()}
	if _, err := s.propose(ctx, req.GetRequestId(), jobs.Command{Keep: &c}); err != nil {
		return nil, err
	}
	b, err := s.describeBlob(ctx, ref.ID)
	return &anthillv1.KeepBlobResponse{Blob: b}, err
}

// spaceFor tells whether a node may claim a blob. A claim that stands takes no more space
// when it is renewed.
func (s *Server) spaceFor(by jobs.NodeID, ref blob.Ref) error {
	claimed := false
	s.cfg.Replica.View(func(st *jobs.State) { claimed = st.ClaimedBy(by, ref) })
	if claimed {
		return nil
	}
	return s.cfg.Results.Fits([]blob.Ref{ref})
}

// GetBlob implements BlobService.
func (s *Server) GetBlob(ctx context.Context, req *anthillv1.GetBlobRequest) (*anthillv1.GetBlobResponse, error) {
	id, err := wire.IDFromProto("id", req.GetId())
	if err != nil {
		return nil, err
	}
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	b, err := s.describeBlob(ctx, id)
	return &anthillv1.GetBlobResponse{Blob: b}, err
}

func (s *Server) describeBlob(ctx context.Context, id blob.ID) (*anthillv1.Blob, error) {
	var b *anthillv1.Blob
	s.cfg.Replica.View(func(st *jobs.State) {
		sees := sightOf(st, callerFrom(ctx))
		if d := st.Datasets[id]; d != nil && showsTo(st, callerFrom(ctx), d, sees) {
			b = unseen(st, callerFrom(ctx), blobView(s.attendance(st), id, d, sees, readers(st, sees)))
		}
	})
	if b == nil {
		return nil, jobs.UnknownBlob(id)
	}
	return b, nil
}

// showsTo says whether a caller hears of a dataset: its owner keeps it, or somebody shares
// it with its owner.
func showsTo(st *jobs.State, c caller, d *jobs.Dataset, sees func(jobs.OwnerID) bool) bool {
	n := st.Nodes[c.Node]
	return slices.ContainsFunc(d.Owners(), sees) || n != nil && d.SharedWith(n.Owner)
}

// sightOf tells of which owners a caller sees what they keep, run and read: its own, and
// operators see all.
func sightOf(st *jobs.State, c caller) func(jobs.OwnerID) bool {
	n := st.Nodes[c.Node]
	return func(owner jobs.OwnerID) bool {
		return c.Role == jobs.Operator || n != nil && n.Owner == owner
	}
}

// ListBlobs implements BlobService.
func (s *Server) ListBlobs(ctx context.Context, req *anthillv1.ListBlobsRequest) (*anthillv1.ListBlobsResponse, error) {
	p, err := pageOf(req)
	if err != nil {
		return nil, err
	}
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	resp := &anthillv1.ListBlobsResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		sees := sightOf(st, callerFrom(ctx))
		jobsOf, a := readers(st, sees), s.attendance(st)
		var list []place
		at := map[place]blob.ID{}
		for id, d := range st.Datasets {
			if showsTo(st, callerFrom(ctx), d, sees) && wantsBlob(req, d, sees) {
				here := place{At: put(d, sees), ID: id.String()}
				list, at[here] = append(list, here), id
			}
		}
		resp.Blobs, resp.NextPageToken = cut(p, list, func(here place) *anthillv1.Blob {
			id := at[here]
			return unseen(st, callerFrom(ctx), blobView(a, id, st.Datasets[id], sees, jobsOf))
		})
	})
	return resp, nil
}

// wantsBlob says whether a dataset is one of those that are asked for, by the claims that
// the caller sees: what is only shared with it has neither owner nor name.
func wantsBlob(req *anthillv1.ListBlobsRequest, d *jobs.Dataset, sees func(jobs.OwnerID) bool) bool {
	if req.GetOwner() == "" && req.GetName() == "" {
		return true
	}
	return slices.ContainsFunc(d.Claims, func(c jobs.Claim) bool {
		return sees(c.Owner) && (req.GetOwner() == "" || req.GetOwner() == string(c.Owner)) && hasName(c.Name, req.GetName())
	})
}

// put is when a dataset was put by the first whose claim is seen.
func put(d *jobs.Dataset, sees func(jobs.OwnerID) bool) jobs.Time {
	for _, c := range d.Claims {
		if sees(c.Owner) {
			return c.At
		}
	}
	return 0
}

// DropBlob implements BlobService.
func (s *Server) DropBlob(ctx context.Context, req *anthillv1.DropBlobRequest) (*anthillv1.DropBlobResponse, error) {
	id, err := wire.IDFromProto("id", req.GetId())
	if err != nil {
		return nil, err
	}
	if _, err := s.describeBlob(ctx, id); err != nil {
		return nil, err // it may be kept for others, which is not the caller's to know
	}
	c := jobs.DropBlob{Blob: id, By: callerFrom(ctx).Node}
	_, err = s.propose(ctx, req.GetRequestId(), jobs.Command{Drop: &c})
	return &anthillv1.DropBlobResponse{}, err
}

// readers are the running jobs of owners that are seen, by the blobs that they read.
func readers(st *jobs.State, sees func(jobs.OwnerID) bool) map[blob.ID][]string {
	list := map[blob.ID][]string{}
	for _, id := range st.Running() {
		if j := st.Jobs[id]; sees(j.Owner) {
			for _, ref := range j.Spec.Blobs() {
				list[ref.ID] = append(list[ref.ID], string(id))
			}
		}
	}
	return list
}

func claimView(c jobs.Claim) *anthillv1.BlobClaim {
	m := &anthillv1.BlobClaim{Owner: string(c.Owner), Name: c.Name, At: wire.TimeToProto(c.At)}
	for _, owner := range c.Shared {
		m.SharedWith = append(m.SharedWith, string(owner))
	}
	return m
}

func blobView(a attendance, id blob.ID, d *jobs.Dataset, sees func(jobs.OwnerID) bool, jobsOf map[blob.ID][]string) *anthillv1.Blob {
	b := &anthillv1.Blob{
		Id: id.String(), Ref: wire.RefToProto(blob.Ref{ID: id, Size: d.Size}), Jobs: jobsOf[id],
		Wait: waits.ToProto(a.wait(d.Holders, d.Claimed())), PassedOver: a.passedOver(d.Holders),
	}
	b.Copies, b.CopyOwners = a.copies(d.Holders)
	b.CopiesNeeded, b.CopyOwnersNeeded = a.needed()
	for _, c := range d.Claims {
		if sees(c.Owner) {
			b.Claims = append(b.Claims, claimView(c))
		}
	}
	return b
}

// unseen leaves out what a caller must not know of a blob that it has claimed and may not
// read yet: whether it is here, and for whom.
func unseen(st *jobs.State, c caller, b *anthillv1.Blob) *anthillv1.Blob {
	id, err := blob.IDFrom(b.GetRef().GetId())
	if err != nil || st.MayRead(c.Node, id) {
		return b
	}
	for _, claim := range st.Datasets[id].Claims {
		if n := st.Nodes[c.Node]; n != nil && claim.Owner == n.Owner {
			b.Ref.Size = claim.Size
		}
	}
	b.Copies, b.CopyOwners, b.PassedOver = 0, 0, nil
	b.Wait = waits.ToProto(waits.Wait{Reason: waits.InputAway, Detail: "all of it is with nobody"})
	return b
}

// ShareBlob implements BlobService.
func (s *Server) ShareBlob(ctx context.Context, req *anthillv1.ShareBlobRequest) (*anthillv1.ShareBlobResponse, error) {
	id, err := wire.IDFromProto("id", req.GetId())
	if err != nil {
		return nil, err
	}
	if _, err := s.describeBlob(ctx, id); err != nil {
		return nil, err
	}
	c := jobs.ShareBlob{Blob: id, By: callerFrom(ctx).Node, With: jobs.OwnerID(req.GetWith()), Stop: req.GetStop()}
	_, err = s.propose(ctx, req.GetRequestId(), jobs.Command{Share: &c})
	return &anthillv1.ShareBlobResponse{}, err
}
