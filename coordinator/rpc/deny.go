package rpc

import (
	"context"
	"encoding/hex"
	"maps"
	"slices"

	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// maxDenied bounds the keys of one answer.
const maxDenied = 10_000

// deniedPage are the keys of the deny list after one, at most n of them, and whether there
// are more.
func deniedPage(st *jobs.State, after jobs.DenyKey, n int) (keys []jobs.DenyKey, more bool) {
	keys = slices.Sorted(maps.Keys(st.Denied))
	at, found := slices.BinarySearch(keys, after)
	if found {
		at++
	}
	keys = keys[at:]
	return keys[:min(n, len(keys))], len(keys) > n
}

// ListDenied implements AdminService.
func (s *Server) ListDenied(ctx context.Context, req *anthillv1.ListDeniedRequest) (*anthillv1.ListDeniedResponse, error) {
	if err := s.fresh(ctx); err != nil {
		return nil, err
	}
	n := int(min(req.GetPageSize(), maxDenied))
	if n == 0 {
		n = maxDenied
	}
	resp := &anthillv1.ListDeniedResponse{}
	s.cfg.Replica.View(func(st *jobs.State) {
		keys, more := deniedPage(st, jobs.DenyKey(req.GetPageToken()), n)
		for _, key := range keys {
			d := st.Denied[key]
			resp.Denied = append(resp.Denied, &anthillv1.Denied{Key: string(key), At: wire.TimeToProto(d.At), By: string(d.By), Reason: d.Why})
		}
		if more {
			resp.NextPageToken = string(keys[len(keys)-1])
		}
	})
	return resp, nil
}

// ChangeDenied implements AdminService.
func (s *Server) ChangeDenied(ctx context.Context, req *anthillv1.ChangeDeniedRequest) (*anthillv1.ChangeDeniedResponse, error) {
	c := jobs.ChangeDenied{Off: req.GetOff(), By: callerFrom(ctx).Node, Why: req.GetReason()}
	for _, key := range req.GetKeys() {
		c.Keys = append(c.Keys, jobs.DenyKey(key))
	}
	_, err := s.propose(ctx, req.GetRequestId(), jobs.Command{ChangeDenied: &c})
	return &anthillv1.ChangeDeniedResponse{}, err
}

// GetDenyList implements WorkService.
func (s *Server) GetDenyList(_ context.Context, req *anthillv1.GetDenyListRequest) (*anthillv1.GetDenyListResponse, error) {
	resp := &anthillv1.GetDenyListResponse{}
	var keys []jobs.DenyKey
	s.cfg.Replica.View(func(st *jobs.State) {
		resp.Revision = st.DenyRevision
		keys, resp.More = deniedPage(st, jobs.DenyKey(hex.EncodeToString(req.GetAfter())), maxDenied)
	})
	for _, key := range keys {
		raw, err := hex.DecodeString(string(key))
		if err != nil {
			return nil, err
		}
		resp.Keys = append(resp.Keys, raw...)
	}
	return resp, nil
}
