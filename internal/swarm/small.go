package swarm

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/peer"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// smallBatch is how many small blobs are asked for at once: enough to hide the
// round trip, few enough to share the work between peers.
const smallBatch = 256

// FetchSmall gets many blobs of at most one piece, in ids' order, with nil for
// those that no provider had. They are verified and not stored. Preferred providers
// are asked first, those of one role side by side. The error is the context's.
func (s *Swarm) FetchSmall(ctx context.Context, ids []blob.ID, providers []Provider) ([][]byte, Traffic, error) {
	q := newSmallQueue(ids)
	tiers := s.tiers(providers)
	for k, tier := range tiers {
		var wg sync.WaitGroup
		for _, p := range tier {
			patience := s.cfg.Patience
			if len(tier) > 1 || k < len(tiers)-1 {
				patience = min(patience, stallAfter)
			}
			wg.Go(func() { s.drain(ctx, q, p, patience) })
		}
		wg.Wait()
		if q.empty() {
			break
		}
	}
	if err := ctx.Err(); err != nil && !q.empty() {
		return q.got, q.traffic, fmt.Errorf("fetch %d small blobs: %w", len(ids), err)
	}
	return q.got, q.traffic, nil
}

// tiers groups the providers by rank, the preferred ones first.
func (s *Swarm) tiers(providers []Provider) [][]Provider {
	list := slices.Clone(providers)
	slices.SortStableFunc(list, func(a, b Provider) int {
		return cmp.Or(rank(a.Role)-rank(b.Role), cmp.Compare(a.Address, b.Address), cmp.Compare(a.Node, b.Node))
	})
	list = slices.CompactFunc(list, func(a, b Provider) bool { return a.Address == b.Address && a.Node == b.Node })
	var tiers [][]Provider
	for _, p := range list {
		if s.cfg.self(p) {
			continue
		}
		if n := len(tiers); n > 0 && rank(tiers[n-1][0].Role) == rank(p.Role) {
			tiers[n-1] = append(tiers[n-1], p)
			continue
		}
		tiers = append(tiers, []Provider{p})
	}
	return tiers
}

// drain asks one provider for batch after batch until there is nothing left
// that it might have, or it fails.
func (s *Swarm) drain(ctx context.Context, q *smallQueue, p Provider, patience time.Duration) {
	tried := make(map[blob.ID]bool)
	for ctx.Err() == nil && !s.refusals.has("", p.Address) && s.cfg.Spent() == nil {
		batch := q.take(tried)
		if len(batch) == 0 {
			return
		}
		err := s.readBlobs(ctx, q, batch, p, patience)
		q.putBack(batch)
		if err != nil {
			return
		}
	}
}

// readBlobs asks for one batch. A peer that sends nothing for the time of patience is
// left.
func (s *Swarm) readBlobs(ctx context.Context, q *smallQueue, batch []blob.ID, p Provider, patience time.Duration) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watchdog := time.AfterFunc(patience, cancel)
	defer watchdog.Stop()
	from := peerIdentity{role: p.Role}
	conn, err := s.cfg.Dial(ctx, p)
	if err != nil {
		return err
	}
	req := &anthillv1.ReadBlobsRequest{}
	for _, id := range batch {
		req.Blobs, req.Grants = append(req.Blobs, id[:]), append(req.Grants, s.grants.of(id))
	}
	stream, err := anthillv1.NewPieceServiceClient(conn).ReadBlobs(ctx, req, s.onlyNode(p))
	if err != nil {
		return err
	}
	for k, id := range batch {
		resp, err := stream.Recv()
		if k == 0 {
			other, _ := peer.FromContext(stream.Context())
			from = s.identify(other, p)
		}
		if errors.Is(err, io.EOF) {
			return fmt.Errorf("peer ended after %d of %d blobs", k, len(batch))
		}
		if err != nil {
			return err
		}
		watchdog.Reset(patience)
		if err := s.takeSmall(q, id, resp, from, p); err != nil {
			if errors.Is(err, errLie) {
				s.refuse(from, p.Address, id, err)
			}
			return err
		}
	}
	return nil
}

// takeSmall checks one answer. The id follows from the data alone.
func (s *Swarm) takeSmall(q *smallQueue, id blob.ID, resp *anthillv1.ReadBlobsResponse, from peerIdentity, p Provider) error {
	if s.refusals.has(from.node, p.Address) {
		return errRefused
	}
	if resp.GetMissing() {
		return nil
	}
	if len(resp.GetData()) > blob.MinPiece || blob.Of(resp.GetData()).ID() != id {
		return fmt.Errorf("%w: they are not blob %s", errLie, id.Short())
	}
	q.deliver(id, resp.GetData(), from.role)
	return nil
}

// smallQueue deals the blobs that are still missing to the providers' goroutines.
type smallQueue struct {
	mu       sync.Mutex
	change   *sync.Cond
	open     []blob.ID // missing, and not being asked for
	inFlight int       // blobs that are being asked for
	places   map[blob.ID][]int
	got      [][]byte
	traffic  Traffic
}

func newSmallQueue(ids []blob.ID) *smallQueue {
	q := &smallQueue{
		places:  make(map[blob.ID][]int),
		got:     make([][]byte, len(ids)),
		traffic: make(Traffic),
	}
	q.change = sync.NewCond(&q.mu)
	for at, id := range ids {
		if len(q.places[id]) == 0 {
			q.open = append(q.open, id)
		}
		q.places[id] = append(q.places[id], at)
	}
	return q
}

// take gives some blobs that were not tried yet, and notes them in tried. While
// there are none it waits for those that others are asking for: they may come
// back. It returns nothing when nothing can come any more.
func (q *smallQueue) take(tried map[blob.ID]bool) []blob.ID {
	q.mu.Lock()
	defer q.mu.Unlock()
	for {
		var batch []blob.ID
		q.open = slices.DeleteFunc(q.open, func(id blob.ID) bool {
			if tried[id] || len(batch) == smallBatch {
				return false
			}
			batch = append(batch, id)
			return true
		})
		if len(batch) > 0 || q.inFlight == 0 {
			for _, id := range batch {
				tried[id] = true
			}
			q.inFlight += len(batch)
			return batch
		}
		q.change.Wait()
	}
}

// putBack ends the asking for a batch: what did not come is open again.
func (q *smallQueue) putBack(batch []blob.ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, id := range batch {
		if q.got[q.places[id][0]] == nil {
			q.open = append(q.open, id)
		}
	}
	q.inFlight -= len(batch)
	q.change.Broadcast()
}

func (q *smallQueue) deliver(id blob.ID, data []byte, from jobs.Role) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if data == nil {
		data = []byte{} // an empty blob is not a missing one
	}
	for _, at := range q.places[id] {
		q.got[at] = data
	}
	q.traffic[from] += int64(len(data))
}

// empty tells whether everything came.
func (q *smallQueue) empty() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.open) == 0 && q.inFlight == 0
}
