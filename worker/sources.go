package worker

import (
	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// shownParts is of how many parts of a blob it is told how much is here.
const shownParts = 64

// sources is what people are told of where the blobs of an attempt came from.
func (w *Worker) sources(read blob.ID, all []blob.ID) *anthillv1.PieceSources {
	m := &anthillv1.PieceSources{}
	if manifest, have, err := w.base.Store.Have(read); err == nil {
		m.Parts = partsOf(have, len(manifest.Pieces))
	}
	for _, s := range w.base.Swarm.TakeSources(all) {
		m.Nodes, m.Bytes = append(m.Nodes, string(s.Node)), append(m.Bytes, s.Bytes)
	}
	return m
}

// partsOf sums up which of n pieces there are: for each part of them a share, of 255.
func partsOf(have blob.Bitmap, n int) []byte {
	parts := make([]byte, min(n, shownParts))
	for i := range parts {
		first, end, there := i*n/len(parts), (i+1)*n/len(parts), 0
		for piece := first; piece < end; piece++ {
			if have.Has(piece) {
				there++
			}
		}
		parts[i] = byte(255 * there / (end - first))
	}
	return parts
}
