package coordinator

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
)

// fetch brings results to the disk and returns those that are there then. The error
// is trouble at home, for which nobody who was asked is to blame: the own disk fails,
// or the line may carry no more.
func (k *keeper) fetch(ctx context.Context, list []wanted) (held []wanted, trouble error) {
	k.locate(list)
	var small, large []wanted
	for _, w := range list {
		switch {
		case k.store.Complete(w.output.ID):
			k.store.Pin(w.output.ID)
			held = append(held, w)
		case w.output.Size <= blob.MinPiece:
			small = append(small, w)
		default:
			large = append(large, w)
		}
	}
	some, trouble := k.fetchSmall(ctx, small)
	more, err := k.fetchLarge(ctx, large)
	return slices.Concat(held, some, more), errors.Join(trouble, err, k.spent())
}

// fetchLarge fetches side by side, so that one dead holder costs its silence
// only once.
func (k *keeper) fetchLarge(ctx context.Context, list []wanted) (held []wanted, trouble error) {
	errs := make([]error, len(list))
	var copies sync.WaitGroup
	for i, w := range list {
		copies.Go(func() { errs[i] = k.copyLarge(ctx, w) })
	}
	copies.Wait()
	for i, w := range list {
		switch {
		case errs[i] == nil:
			held = append(held, w)
		case !away(errs[i]):
			trouble = errs[i]
		}
	}
	return held, trouble
}

// away tells whether an error is that of peers, or of the network.
func away(err error) bool {
	return errors.Is(err, swarm.ErrUnavailable) || errors.Is(err, errWrongSize) || errors.Is(err, context.DeadlineExceeded)
}

// copyLarge copies one result. The pieces that came stay if time is up.
func (k *keeper) copyLarge(ctx context.Context, w wanted) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if err := k.fetchLikeSaid(ctx, w); err != nil {
		k.logger.Debug("copy result", "job", w.job, "sequence", w.sequence, "error", err)
		return err
	}
	k.store.Pin(w.output.ID)
	return k.store.Sync(w.output.ID)
}

// fetchLikeSaid gets a result if its manifest gives the size that was voted for: or else
// a liar would have all coordinators fill their disks.
func (k *keeper) fetchLikeSaid(ctx context.Context, w wanted) error {
	if _, err := k.swarm.Fetch(ctx, w.output.ID, 0, 0, w.providers); err != nil {
		return err
	}
	m, err := k.store.Manifest(w.output.ID)
	if err != nil {
		return err
	}
	if m.Size != w.output.Size {
		return fmt.Errorf("result %s: %w: %d bytes, not %d", w.output.ID.Short(), errWrongSize, m.Size, w.output.Size)
	}
	_, err = k.swarm.Fetch(ctx, w.output.ID, 0, -1, w.providers)
	return err
}

// fetchSmall asks the holders of small results, for many in one stream. All are
// stored together.
func (k *keeper) fetchSmall(ctx context.Context, list []wanted) (held []wanted, trouble error) {
	data := make([][]byte, len(list))
	for round := 0; k.askHolders(ctx, round, list, data); round++ {
	}
	return k.storeAll(list, data)
}

// askHolders asks the holder whose turn it is for each result that is still
// missing, all of them side by side, and says whether there was anybody to ask.
func (k *keeper) askHolders(ctx context.Context, round int, list []wanted, data [][]byte) bool {
	places := map[swarm.Provider][]int{}
	for i, w := range list {
		if data[i] == nil && w.output.Size > 0 && round < len(w.providers) {
			holder := w.providers[round]
			places[holder] = append(places[holder], i)
		}
	}
	var asked sync.WaitGroup
	for holder, at := range places {
		asked.Go(func() { k.ask(ctx, holder, at, list, data) })
	}
	asked.Wait()
	return len(places) > 0
}

// ask fills in what one peer has of the results at these places.
func (k *keeper) ask(ctx context.Context, holder swarm.Provider, places []int, list []wanted, data [][]byte) {
	ids := make([]blob.ID, len(places))
	for n, i := range places {
		ids[n] = list[i].output.ID
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	got, _, err := k.swarm.FetchSmall(ctx, ids, []swarm.Provider{holder})
	if err != nil {
		k.logger.Debug("copy results", "from", holder.Address, "error", err)
	}
	for n, d := range got {
		data[places[n]] = d
	}
}

func (k *keeper) storeAll(list []wanted, data [][]byte) (held []wanted, trouble error) {
	var blobs [][]byte
	for i, w := range list {
		if data[i] != nil || w.output.Size == 0 {
			held, blobs = append(held, w), append(blobs, data[i])
		}
	}
	if len(blobs) == 0 {
		return nil, nil
	}
	if _, err := k.store.PutMany(blobs); err != nil {
		return nil, err
	}
	for _, w := range held {
		k.store.Pin(w.output.ID)
	}
	return held, nil
}
