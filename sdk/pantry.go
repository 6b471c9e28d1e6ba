package sdk

import (
	"context"
	"errors"
	"fmt"
	"io"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/blobstore"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

// pantry keeps large results between their arrival and their use.
type pantry struct {
	room      *scratch
	store     *blobstore.Store
	pool      *swarm.Pool
	swarm     *swarm.Swarm
	providers []swarm.Provider
}

// openPantry makes the pantry when it is first needed.
func (g *Grid) openPantry() (*pantry, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.pantry != nil {
		return g.pantry, nil
	}
	room, err := newScratch("results")
	if err != nil {
		return nil, fmt.Errorf("fetch results: %w", err)
	}
	p, err := g.newPantry(room)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fetch results: %w", err), room.remove())
	}
	g.pantry = p
	return p, nil
}

func (g *Grid) newPantry(room *scratch) (*pantry, error) {
	store, err := blobstore.Open(blobstore.Config{Dir: room.store()})
	if err != nil {
		return nil, err
	}
	pool := swarm.NewDialer(g.identity.ClientTLS(identity.WantRole(jobs.Coordinator)))
	s, err := swarm.New(swarm.Config{Store: store, Dial: pool.Dial, Logger: g.logger})
	if err != nil {
		return nil, errors.Join(err, pool.Close(), store.Close())
	}
	return &pantry{room: room, store: store, pool: pool, swarm: s, providers: g.coordinators()}, nil
}

// coordinators may have any blob.
func (g *Grid) coordinators() []swarm.Provider {
	var list []swarm.Provider
	for _, address := range g.conn.Known() {
		list = append(list, swarm.Provider{Address: address, Role: jobs.Coordinator})
	}
	return list
}

// fetch copies a blob to w and forgets it. A failure to get it is UNAVAILABLE:
// a result that has just been accepted may still be on its way to the
// coordinators.
func (p *pantry) fetch(ctx context.Context, id blob.ID, w io.Writer) error {
	p.store.Pin(id)
	defer p.forget(id)
	if _, err := p.swarm.Fetch(ctx, id, 0, -1, p.providers); err != nil {
		return status.Errorf(codes.Unavailable, "%v", err)
	}
	manifest, err := p.store.Manifest(id)
	if errors.Is(err, blobstore.ErrNotFound) {
		// The swarm remembers for a moment that it has fetched what forget has
		// just dropped.
		return status.Errorf(codes.Unavailable, "%v", err)
	}
	if err != nil {
		return err
	}
	for i := range manifest.Pieces {
		data, err := p.store.ReadPiece(id, i)
		if err != nil {
			return err
		}
		if _, err := w.Write(data); err != nil {
			return err
		}
	}
	return nil
}

// forget drops a blob unless another task has the same result and is about to
// read it. What stays goes with the directory.
func (p *pantry) forget(id blob.ID) {
	p.store.Unpin(id)
	_ = p.store.Delete(id)
}

func (p *pantry) close() error {
	return errors.Join(p.swarm.Close(), p.pool.Close(), p.store.Close(), p.room.remove())
}
