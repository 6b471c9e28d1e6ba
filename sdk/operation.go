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
