package keeper

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
)

// fetch brings results to the disk and returns those that are there then. The error
// is trouble at home, for which nobody that was asked is to blame: this coordinator's
// disk fails, or its line may carry no more.
func (k *Keeper) fetch(ctx context.Context, list []wanted) (held []wanted, trouble error) {
	k.locate(ctx, list)
	var small, large []wanted
	for _, w := range list {
		switch {
		case k.cfg.Store.Complete(w.output.ID):
			k.cfg.Store.Pin(w.output.ID)
			held = append(held, w)
		case isLarge(w.output):
			large = append(large, w)
		default:
			small = append(small, w)
		}
	}
	some, trouble := k.fetchSmall(ctx, small)
	more, err := k.fetchLarge(ctx, large)
	return slices.Concat(held, some, more), errors.Join(trouble, err, k.cfg.Spent())
}

// maxCopies bounds the results that are on their way at a time.
const maxCopies = 256

// copying is a result on its way here.
type copying struct {
	done chan struct{}
	err  error // once done is closed
}

// fetchLarge fetches side by side, so that one dead holder costs its silence
// only once. What takes longer than a turn goes on while other jobs have theirs, and
// is waited for again the next time: otherwise a piece slower than a turn would never
// finish.
func (k *Keeper) fetchLarge(ctx context.Context, list []wanted) (held []wanted, trouble error) {
	maps.DeleteFunc(k.copies, func(_ blob.ID, c *copying) bool { return !c.runs() })
	for _, w := range list {
		k.beginCopy(ctx, w)
	}
	k.awaitCopies(ctx, list)
	for _, w := range list {
		switch done, err := k.collect(w); {
		case !done:
		case err == nil:
			held = append(held, w)
		case !away(err):
			trouble = err
		}
	}
	return held, trouble
}

// awaitCopies waits for results on their way until their turn is over.
func (k *Keeper) awaitCopies(ctx context.Context, list []wanted) {
	turn, end := context.WithTimeout(ctx, k.turn)
	defer end()
	for _, w := range list {
		if c := k.copies[w.output.ID]; c != nil {
			select {
			case <-c.done:
			case <-turn.Done():
			}
		}
	}
}

// collect pins a result if it has come, and tells whether that is decided.
func (k *Keeper) collect(w wanted) (done bool, err error) {
	c := k.copies[w.output.ID]
	if c == nil || c.runs() {
		return false, nil
	}
	if c.err != nil {
		return true, c.err
	}
	k.cfg.Store.Pin(w.output.ID)
	if err := k.cfg.Store.Sync(w.output.ID); err != nil {
		k.cfg.Store.Unpin(w.output.ID)
		return true, err
	}
	return true, nil
}

// beginCopy has a result copied, unless that is being done or too many are.
func (k *Keeper) beginCopy(ctx context.Context, w wanted) {
	if k.copies[w.output.ID] != nil {
		k.cfg.Swarm.Introduce(w.output.ID, w.providers) // there may be more of them by now
		return
	}
	if len(k.copies) >= maxCopies {
		return
	}
	c := &copying{done: make(chan struct{})}
	k.copies[w.output.ID] = c
	k.copiers.Go(func() {
		defer close(c.done)
		if c.err = k.fetchLikeSaid(ctx, w); c.err != nil {
			k.cfg.Logger.Debug("failed to copy result", "job", w.job, "sequence", w.sequence, "error", c.err)
		}
	})
}

func (c *copying) runs() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// away tells whether an error is that of peers, or of the network.
func away(err error) bool {
	return errors.Is(err, swarm.ErrUnavailable) || errors.Is(err, errWrongSize) || errors.Is(err, context.DeadlineExceeded)
}

// fetchLikeSaid gets a result if its manifest gives the size that was voted for:
// otherwise a liar could fill the disks of all coordinators.
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

// fetchSmall asks the holders of small results, for many in one stream. All are
// stored together.
func (k *Keeper) fetchSmall(ctx context.Context, list []wanted) (held []wanted, trouble error) {
	data := make([][]byte, len(list))
	for round := 0; k.askHolders(ctx, round, list, data); round++ {
	}
	return k.storeAll(list, data)
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

func (k *Keeper) storeAll(list []wanted, data [][]byte) (held []wanted, trouble error) {
	var blobs [][]byte
	for i, w := range list {
		if data[i] != nil || w.output.Size == 0 {
			held, blobs = append(held, w), append(blobs, data[i])
		}
	}
	if len(blobs) == 0 {
		return nil, nil
	}
	if _, err := k.cfg.Store.PutMany(blobs); err != nil {
		return nil, err
	}
	for _, w := range held {
		k.cfg.Store.Pin(w.output.ID)
	}
	return held, nil
}
