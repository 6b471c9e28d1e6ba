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

// resultStore keeps large results between their arrival and their use.
type resultStore struct {
	dir       *scratch
	store     *blobstore.Store
	pool      *swarm.Pool
	swarm     *swarm.Swarm
	providers []swarm.Provider
}

// openResultStore makes the store when it is first needed.
func (g *Grid) openResultStore() (*resultStore, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.large != nil {
		return g.large, nil
	}
	dir, err := newScratch("results")
	if err != nil {
		return nil, fmt.Errorf("fetch results: %w", err)
	}
	s, err := g.newResultStore(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("fetch results: %w", err), dir.remove())
	}
	g.large = s
	return s, nil
}

func (g *Grid) newResultStore(dir *scratch) (*resultStore, error) {
	store, err := blobstore.Open(blobstore.Config{Dir: dir.store()})
	if err != nil {
		return nil, err
	}
	pool := swarm.NewDialer(g.identity.ClientTLS(identity.WantRole(jobs.Coordinator)))
	s, err := swarm.New(swarm.Config{Store: store, Dial: pool.Dial, Logger: g.logger})
	if err != nil {
		return nil, errors.Join(err, pool.Close(), store.Close())
	}
	return &resultStore{dir: dir, store: store, pool: pool, swarm: s, providers: g.coordinators()}, nil
}

// coordinators are asked for every blob: they may have it.
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
func (s *resultStore) fetch(ctx context.Context, id blob.ID, w io.Writer) error {
	s.store.Pin(id)
	defer s.forget(id)
	if _, err := s.swarm.Fetch(ctx, id, 0, -1, s.providers); err != nil {
		return status.Errorf(codes.Unavailable, "%v", err)
	}
	err := s.store.CopyTo(w, id)
	if errors.Is(err, blobstore.ErrNotFound) {
		// The swarm remembers for a moment that it has fetched what forget has
		// just dropped.
		return status.Errorf(codes.Unavailable, "%v", err)
	}
	return err
}

// fetchPart copies n bytes of a blob from off on to w, and forgets what it has got of it.
func (s *resultStore) fetchPart(ctx context.Context, id blob.ID, off, n int64, w io.Writer) error {
	s.store.Pin(id)
	defer s.forget(id)
	if _, err := s.swarm.Fetch(ctx, id, off, n, s.providers); err != nil {
		return status.Errorf(codes.Unavailable, "%v", err)
	}
	data, err := s.store.ReadRange(id, off, n)
	if errors.Is(err, blobstore.ErrNotFound) {
		return status.Errorf(codes.Unavailable, "%v", err)
	}
	if err == nil {
		_, err = w.Write(data)
	}
	return err
}

// forget drops a blob, unless another task has the same result and is about to
// read it. What is left goes with the directory.
func (s *resultStore) forget(id blob.ID) {
	s.store.Unpin(id)
	_ = s.store.Delete(id)
}

func (s *resultStore) close() error {
	return errors.Join(s.swarm.Close(), s.pool.Close(), s.store.Close(), s.dir.remove())
}
