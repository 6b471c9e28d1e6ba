package rpc

import (
	"context"

	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Describe implements CoordinatorService.
func (s *Server) Describe(context.Context, *anthillv1.DescribeRequest) (*anthillv1.DescribeResponse, error) {
	resp := &anthillv1.DescribeResponse{
		FirstVersion: uint32(jobs.FirstVersion), LastVersion: uint32(jobs.LastVersion),
		Time: wire.TimeToProto(s.cfg.Replica.Wall()),
	}
	for _, id := range s.Reading() {
		resp.Reading = append(resp.Reading, string(id))
	}
	for _, node := range s.Seen() {
		resp.Seen = append(resp.Seen, string(node))
	}
	return resp, nil
}
