package sdk

import (
	"context"
	"fmt"
	"io"

	"github.com/anthill-grid/anthill/internal/blob"
)

// readAhead is how many pieces are fetched before they are written.
const readAhead = 16

// stream writes a blob, whose manifest is here, in order while it loads.
func (p *peer) stream(ctx context.Context, id blob.ID, w io.Writer) error {
	m, err := p.store.Manifest(id)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	ahead := make(chan chan error, readAhead)
	go func() {
		defer close(ahead)
		for i := range m.Pieces {
			arrived := make(chan error, 1)
			select {
			case ahead <- arrived:
			case <-ctx.Done():
				return
			}
			go func() {
				_, err := p.swarm.Fetch(ctx, id, m.PieceOffset(i), m.PieceLen(i), nil)
				arrived <- err
			}()
		}
	}()
	for i := range m.Pieces {
		arrived, ok := <-ahead
		if !ok {
			return ctx.Err()
		}
		if err := <-arrived; err != nil {
			return err
		}
		data, err := p.store.ReadPiece(id, i)
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return fmt.Errorf("write blob %s: %w", id.Short(), err)
		}
	}
	return nil
}
