package keeper

import (
	"context"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// walkers is how many pieces of an input are on their way at a time where they are
	// fetched in order: enough for several peers. They do not go further than
	// walkAhead pieces beyond the first that is missing, since peers do not send
	// what they are asked for in the order of asking.
	walkers   = 8
	walkAhead = 16
	// longestIndex bounds the indexes that are held in memory to find out in which
	// order pieces are needed. Tasks of inputs with longer ones wait for all of it.
	longestIndex = 1 << 20
	// leadsEvery is how often a coordinator looks whether it still does not lead.
	leadsEvery = time.Second
)

// walk goes through a job's tasks in the order in which they are opened, and through the
// pieces of the input that they read.
type walk struct {
	job   *jobs.Job
	index []byte
	input blob.Manifest

	mu    sync.Mutex
	moved *sync.Cond // something came, or the walk was stopped
	have  blob.Bitmap
	taken blob.Bitmap // had, or on their way
	ahead []int       // the first piece that is on its way, and those that were taken after it
	over  bool
	// ready: all that the tasks below read is here. next is where pieces are looked for.
	ready, next jobs.Place
}

// newWalk is nil where there is no telling what tasks read.
func (k *Keeper) newWalk(j *jobs.Job) (*walk, error) {
	m, have, err := k.cfg.Store.Have(j.Spec.Input.Blob.Blob.ID)
	if err != nil {
		return nil, err
	}
	w := &walk{job: j, input: m, have: have, taken: blob.NewBitmap(len(m.Pieces))}
	w.moved = sync.NewCond(&w.mu)
	if index := j.Spec.Input.Blob.Index; index != nil && index.Size > longestIndex {
		return nil, nil
	} else if index != nil {
		w.index, err = k.cfg.Store.ReadRange(index.ID, 0, -1)
	}
	for i := range m.Pieces {
		if have.Has(i) {
			w.taken.Set(i)
		}
	}
	return w, err
}

// copyInOrder fetches the pieces of an input, those first that are needed first, until
// all are here or this coordinator leads no more.
func (k *Keeper) copyInOrder(ctx context.Context, h *holding, w *walk, providers []swarm.Provider) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(ctx, w.stop)()
	k.setReady(h, w.came(-1))
	var all sync.WaitGroup
	for range walkers {
		all.Go(func() {
			for ctx.Err() == nil && k.cfg.Leads() {
				i := w.take()
				if i < 0 {
					return
				}
				if err := k.fetchPiece(ctx, w.job.Spec.Input.Blob.Blob.ID, w.input, i, providers); err != nil {
					cancel(err)
					return
				}
				k.setReady(h, w.came(i))
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

func (k *Keeper) fetchPiece(ctx context.Context, id blob.ID, m blob.Manifest, i int, providers []swarm.Provider) error {
	_, err := k.cfg.Swarm.Fetch(ctx, id, m.PieceOffset(i), m.PieceLen(i), providers)
	return err
}

// take is the next piece that is to be fetched, those last that no task reads; -1 if
// there is none.
func (w *walk) take() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.ahead) >= walkAhead && !w.over {
		w.moved.Wait()
	}
	i := w.pick()
	if i >= 0 {
		w.taken.Set(i)
		w.ahead = append(w.ahead, i)
	}
	return i
}

func (w *walk) stop() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.over = true
	w.moved.Broadcast()
}

// pick is what take takes. It is called with mu held.
func (w *walk) pick() int {
	for ; int(w.next) < w.job.Total(); w.next++ {
		first, end := w.span(w.next)
		for i := first; i < end; i++ {
			if !w.taken.Has(i) {
				return i
			}
		}
	}
	for i := range w.input.Pieces {
		if !w.taken.Has(i) {
			return i
		}
	}
	return -1
}

// came notes a piece, or none, and says below which place the tasks can be run.
func (w *walk) came(piece int) jobs.Place {
	w.mu.Lock()
	defer w.mu.Unlock()
	if piece >= 0 {
		w.have.Set(piece)
	}
	for len(w.ahead) > 0 && w.have.Has(w.ahead[0]) {
		w.ahead = w.ahead[1:]
	}
	w.moved.Broadcast()
	for ; int(w.ready) < w.job.Total(); w.ready++ {
		first, end := w.span(w.ready)
		for i := first; i < end; i++ {
			if !w.have.Has(i) {
				return w.ready
			}
		}
	}
	return w.ready
}

// span is which pieces the task at a place reads. One whose place in the input is
// nonsense reads none: its worker will say so.
func (w *walk) span(place jobs.Place) (first, end int) {
	shard, err := w.job.Spec.Input.Shard(w.job.TaskAt(place), func(_ blob.Ref, off, n int64) ([]byte, error) {
		return w.index[off : off+n], nil
	})
	if err != nil || shard.Size == 0 {
		return 0, 0
	}
	return w.input.Covering(shard.Off, shard.Size)
}
