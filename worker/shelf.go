package worker

import (
	"slices"
	"sync"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// shelf is what the worker shares with other workers: the inputs of the jobs
// that it works on, newest first. Outputs are never on it, so nobody can copy
// an answer.
type shelf struct {
	mu  sync.Mutex
	ids []blob.ID
}

// add puts a job's blobs in front.
func (s *shelf) add(spec *anthillv1.JobSpec) {
	refs := []*anthillv1.BlobRef{spec.GetBundle(), spec.GetInput().GetBlob().GetBlob(), spec.GetInput().GetBlob().GetIndex()}
	for _, d := range spec.GetData() {
		refs = append(refs, d.GetBlob())
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range refs {
		if id, err := blob.IDFrom(r.GetId()); err == nil {
			s.ids = slices.DeleteFunc(s.ids, func(old blob.ID) bool { return old == id })
			s.ids = slices.Insert(s.ids, 0, id)
		}
	}
	s.ids = s.ids[:min(len(s.ids), announced)]
}

func (s *shelf) has(id blob.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.ids, id)
}

// shared bounds the blobs of which the worker tells what it has, the newest ones:
// of the jobs that it works on now.
const shared = 8

// list names what is on the shelf, and tells of the newest what is there.
func (s *shelf) list(have func(blob.ID) (blob.Manifest, blob.Bitmap, error)) (blobs, shares [][]byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, id := range s.ids {
		blobs = append(blobs, slices.Clone(id[:]))
		if i >= shared {
			continue
		}
		var share blob.Share
		if m, has, err := have(id); err == nil && len(m.Pieces) > 1 {
			share = blob.ShareOf(has, len(m.Pieces))
		}
		shares = append(shares, share)
	}
	return blobs, shares
}
