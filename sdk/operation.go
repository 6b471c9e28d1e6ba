package sdk

import (
	"context"
	"fmt"
	"io"

	"github.com/anthill-grid/anthill/internal/problem"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Backup writes a tar archive with the grid's state and authority and, with results, all
// blobs that one of its coordinators has. For operators: whoever has the archive can run
// the grid. It is not begun again when the coordinator is lost: w has half of one then.
func (g *Grid) Backup(ctx context.Context, results bool, w io.Writer) error {
	stream, err := g.operation.Backup(ctx, &anthillv1.BackupRequest{Results: results})
	if err != nil {
		return fmt.Errorf("back up: %w", problem.FromStatus(err))
	}
	for {
		resp, err := stream.Recv()
		switch {
		case isEnd(err):
			return nil
		case err != nil:
			return fmt.Errorf("back up: %w", problem.FromStatus(err))
		}
		if _, err := w.Write(resp.GetData()); err != nil {
			return fmt.Errorf("back up: %w", err)
		}
	}
}

// CoordinatorGroup describes the grid's coordinators. For operators.
func (g *Grid) CoordinatorGroup(ctx context.Context) (*anthillv1.ListCoordinatorsResponse, error) {
	return call(ctx, g, "list coordinators", func(ctx context.Context) (*anthillv1.ListCoordinatorsResponse, error) {
		return g.operation.ListCoordinators(ctx, &anthillv1.ListCoordinatorsRequest{})
	})
}

// TransferLeadership has another voter lead: the named one or, where that is empty, any.
// For operators.
func (g *Grid) TransferLeadership(ctx context.Context, node string) error {
	_, err := call(ctx, g, "transfer leadership", func(ctx context.Context) (*anthillv1.TransferLeadershipResponse, error) {
		return g.operation.TransferLeadership(ctx, &anthillv1.TransferLeadershipRequest{NodeId: node})
	})
	return err
}
