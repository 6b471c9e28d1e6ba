package rpc

import (
	"context"

	"github.com/anthill-grid/anthill/coordinator/desk"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// LocateWorkers implements CoordinatorService.
func (s *Server) LocateWorkers(ctx context.Context, _ *anthillv1.LocateWorkersRequest) (*anthillv1.LocateWorkersResponse, error) {
	if !s.cfg.Desk.Leading() {
		return nil, desk.ErrNoLeader
	}
	resp := &anthillv1.LocateWorkersResponse{}
	for id, address := range s.cfg.Workers(ctx) {
		resp.Workers = append(resp.Workers, &anthillv1.WorkerLocation{NodeId: string(id), Address: address})
	}
	return resp, nil
}
