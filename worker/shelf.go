package worker

import (
	"slices"
	"sync"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
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
	s.ids = s.ids[:min(len(s.ids), jobs.HeartbeatBlobs)]
}

func (s *shelf) has(id blob.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.ids, id)
}

func (s *shelf) list() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([][]byte, len(s.ids))
	for i := range s.ids {
		list[i] = slices.Clone(s.ids[i][:])
	}
	return list
}
