package keeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
)

// copyLarge gets a result if its manifest gives the size that was voted for: otherwise a
// liar could fill the disks of all coordinators.
func (k *Keeper) copyLarge(ctx context.Context, w wanted) error {
	err := k.fetchLikeSaid(ctx, w)
	if err != nil {
		k.cfg.Logger.Debug("failed to copy result", "job", w.job, "sequence", w.sequence, "error", err)
		return err
	}
	return k.cfg.Store.Sync(w.output.ID)
}

func (k *Keeper) fetchLikeSaid(ctx context.Context, w wanted) error {
	m, err := k.manifest(ctx, w.output.ID, w.providers)
	if err != nil {
		return err
	}
	if m.Size != w.output.Size {
		return fmt.Errorf("result %s: %w: %d bytes, not %d", w.output.ID.Short(), errWrongSize, m.Size, w.output.Size)
	}
	_, err = k.cfg.Swarm.Fetch(ctx, w.output.ID, 0, -1, w.providers)
	return err
}

// away tells whether an error is that of peers, or of the network. All others are trouble
// at home, for which nobody that was asked is to blame.
func away(err error) bool {
	return errors.Is(err, swarm.ErrUnavailable) || errors.Is(err, errWrongSize) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// copySmall asks the holders of small results, for many in one stream. All are stored
// together.
func (k *Keeper) copySmall(ctx context.Context, list []wanted) error {
	data := make([][]byte, len(list))
	for round := 0; k.askHolders(ctx, round, list, data); round++ {
	}
	var blobs [][]byte
	for i, w := range list {
		if data[i] != nil || w.output.Size == 0 {
			blobs = append(blobs, data[i])
		}
	}
	if len(blobs) == 0 {
		return nil
	}
	_, err := k.cfg.Store.PutMany(blobs)
	return err
}

// askHolders asks the holder whose turn it is for each result that is still
// missing, all of them side by side, and says whether there was any to ask.
func (k *Keeper) askHolders(ctx context.Context, round int, list []wanted, data [][]byte) bool {
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
func (k *Keeper) ask(ctx context.Context, holder swarm.Provider, places []int, list []wanted, data [][]byte) {
	ids := make([]blob.ID, len(places))
	for n, i := range places {
		ids[n] = list[i].output.ID
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	got, _, err := k.cfg.Swarm.FetchSmall(ctx, ids, []swarm.Provider{holder})
	if err != nil {
		k.cfg.Logger.Debug("failed to copy results", "from", holder.Address, "error", err)
	}
	for n, d := range got {
		data[places[n]] = d
	}
}
