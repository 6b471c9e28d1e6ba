package rpc

import (
	"context"

	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Group is the raft group, and its leader's way to steer it.
type Group interface {
	// Coordinators describes the group's members. Only the leader knows much of them.
	Coordinators() *anthillv1.ListCoordinatorsResponse
	// TransferLeadership has another voter lead: this one or, where none is named, any.
	TransferLeadership(to jobs.NodeID) error
	// Describe adds to what a coordinator says of itself.
	Describe(*anthillv1.DescribeResponse)
	// HeedAgreed hears what most coordinators have of the state at a place in the log.
	HeedAgreed(*anthillv1.ComparedState)
}

// Describe implements CoordinatorService.
func (s *Server) Describe(_ context.Context, req *anthillv1.DescribeRequest) (*anthillv1.DescribeResponse, error) {
	d := &anthillv1.DescribeResponse{
		FirstVersion: uint32(jobs.FirstVersion), LastVersion: uint32(jobs.LastVersion),
		Time: wire.TimeToProto(s.cfg.Replica.Wall()),
	}
	if req.GetCensus() {
		for _, id := range s.Reading() {
			d.Reading = append(d.Reading, string(id))
		}
		for _, node := range s.Seen() {
			d.Seen = append(d.Seen, string(node))
		}
	}
	if s.cfg.Group != nil {
		s.cfg.Group.Describe(d)
		s.cfg.Group.HeedAgreed(req.GetAgreed())
	}
	return d, nil
}

// ListCoordinators implements OperationService.
func (s *Server) ListCoordinators(context.Context, *anthillv1.ListCoordinatorsRequest) (*anthillv1.ListCoordinatorsResponse, error) {
	return s.cfg.Group.Coordinators(), nil
}

// TransferLeadership implements OperationService.
func (s *Server) TransferLeadership(_ context.Context, req *anthillv1.TransferLeadershipRequest) (*anthillv1.TransferLeadershipResponse, error) {
	to := jobs.NodeID(req.GetNodeId())
	if to == s.cfg.Node {
		return &anthillv1.TransferLeadershipResponse{}, nil
	}
	if to != "" && !s.votes(to) {
		return nil, notAVoter(to)
	}
	if err := s.cfg.Group.TransferLeadership(to); err != nil {
		return nil, notTransferred(err)
	}
	return &anthillv1.TransferLeadershipResponse{}, nil
}

func (s *Server) votes(id jobs.NodeID) bool {
	for _, v := range s.cfg.Replica.Voters() {
		if v.Node == id {
			return true
		}
	}
	return false
}
