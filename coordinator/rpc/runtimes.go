package rpc

import (
	"cmp"
	"context"
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// NameRuntime implements BlobService. What the state would refuse is refused before the
// log, which cannot hold the command at all as long as there are older coordinators.
func (s *Server) NameRuntime(ctx context.Context, req *anthillv1.NameRuntimeRequest) (*anthillv1.NameRuntimeResponse, error) {
	c := jobs.NameRuntime{Name: req.GetName(), By: callerFrom(ctx).Node}
	if len(req.GetBlob()) > 0 {
		var err error
		if c.Blob, err = wire.IDFromProto("blob", req.GetBlob()); err != nil {
			return nil, err
		}
	}
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	var r *jobs.Rejection
	s.cfg.Replica.View(func(st *jobs.State) { r = st.CheckRuntime(&c) })
	if r != nil {
		return nil, r
	}
	_, err := s.propose(ctx, req.GetRequestId(), jobs.Command{Runtime: &c})
	return &anthillv1.NameRuntimeResponse{}, err
}

// ListRuntimes implements BlobService.
func (s *Server) ListRuntimes(ctx context.Context, _ *anthillv1.ListRuntimesRequest) (*anthillv1.ListRuntimesResponse, error) {
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	resp := &anthillv1.ListRuntimesResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		n := st.Nodes[callerFrom(ctx).Node]
		a := s.attendance(st)
		for _, r := range st.Runtimes {
			if r.Owner != "" && (n == nil || n.Owner != r.Owner) {
				continue
			}
			m := &anthillv1.Runtime{Name: r.Name, Id: r.Blob.String(), Owner: string(r.Owner), NamedAt: wire.TimeToProto(r.At)}
			m.Ref = wire.RefToProto(blob.Ref{ID: r.Blob})
			if d := st.Datasets[r.Blob]; d != nil {
				m.Ref = wire.RefToProto(blob.Ref{ID: r.Blob, Size: d.Size})
				m.Copies, _ = a.copies(d.Holders)
			}
			resp.Runtimes = append(resp.Runtimes, m)
		}
	})
	slices.SortFunc(resp.Runtimes, func(a, b *anthillv1.Runtime) int {
		return cmp.Or(cmp.Compare(a.GetName(), b.GetName()), cmp.Compare(a.GetOwner(), b.GetOwner()))
	})
	return resp, nil
}
