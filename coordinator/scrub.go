package coordinator

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// scrubEvery is the pause between two pieces that are read to see whether the
// disk still has them: at 4 MiB a piece, a terabyte takes three days.
const scrubEvery = time.Second

// scrub reads what is held, piece by piece and round and round, until ctx ends.
// The store forgets a piece that does not fit its hash, and hold fetches it
// again.
func (k *keeper) scrub(ctx context.Context) {
	at := scrubber{}
	for {
		sleep(ctx, scrubEvery)
		if ctx.Err() != nil {
			return
		}
		id, i, ok := at.next(k.heldBlobs(), k.store.Manifest)
		if !ok {
			continue
		}
		if _, err := k.store.ReadPiece(id, i); err != nil {
			k.logger.Debug("scrub", "blob", id, "piece", i, "error", err)
		}
	}
}

// heldBlobs are the blobs of all charges.
func (k *keeper) heldBlobs() []blob.ID {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []blob.ID
	for _, h := range k.taken {
		for _, r := range h.blobs {
			list = append(list, r.ID)
		}
	}
	return list
}

// scrubber walks over the pieces of blobs that come and go.
type scrubber struct {
	id    blob.ID
	piece int
}

// next is the piece after the last one: of the same blob, or the first of the
// blob that follows by id.
func (s *scrubber) next(held []blob.ID, manifest func(blob.ID) (blob.Manifest, error)) (blob.ID, int, bool) {
	if m, err := manifest(s.id); err == nil && s.piece < len(m.Pieces) {
		s.piece++
		return s.id, s.piece - 1, true
	}
	if len(held) == 0 {
		return blob.ID{}, 0, false
	}
	s.id, s.piece = following(held, s.id), 1
	m, err := manifest(s.id)
	return s.id, 0, err == nil && len(m.Pieces) > 0
}

// following is the least id above one, or else the least of all.
func following(held []blob.ID, id blob.ID) blob.ID {
	least, above := held[0], blob.ID{}
	for _, h := range held {
		if h.Compare(least) < 0 {
			least = h
		}
		if h.Compare(id) > 0 && (above.IsZero() || h.Compare(above) < 0) {
			above = h
		}
	}
	if above.IsZero() {
		return least
	}
	return above
}
