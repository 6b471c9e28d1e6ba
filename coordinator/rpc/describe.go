package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Describe implements CoordinatorService.
func (s *Server) Describe(context.Context, *anthillv1.DescribeRequest) (*anthillv1.DescribeResponse, error) {
	return &anthillv1.DescribeResponse{
		FirstVersion: uint32(jobs.FirstVersion), LastVersion: uint32(jobs.LastVersion),
		Time: timestamppb.New(s.cfg.Replica.Wall().Std()),
	}, nil
}
