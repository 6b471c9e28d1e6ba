package worker

import (
	"context"
	"slices"
	"sync"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// sharedInputs are what the worker shares with other workers: the inputs of the jobs
// that it works on, newest first. Outputs are never among them, so nobody can
// copy an answer.
type sharedInputs struct {
	mu  sync.Mutex
	ids []blob.ID
}

// add puts a job's blobs in front.
func (s *sharedInputs) add(spec *anthillv1.JobSpec) {
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

// drop takes out those of which out says so.
func (s *sharedInputs) drop(out func(blob.ID) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ids = slices.DeleteFunc(s.ids, out)
}

func (s *sharedInputs) has(id blob.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Contains(s.ids, id)
}

func (s *sharedInputs) list() [][]byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([][]byte, len(s.ids))
	for i := range s.ids {
		list[i] = slices.Clone(s.ids[i][:])
	}
	return list
}

// mayRead says who may read a blob here: coordinators everything, others of the shared
// inputs what a coordinator says they may.
func (w *Worker) mayRead(ctx context.Context, id blob.ID) bool {
	peer, err := identity.FromContext(ctx)
	return err == nil && (peer.Role == jobs.Coordinator || w.shared.has(id) && w.base.Identity.Granted(peer.Node, id, swarm.GrantFrom(ctx)))
}

// keepGrants keeps what lets this worker read a job's blobs at its peers.
func (w *Worker) keepGrants(lease *anthillv1.Lease) {
	for _, g := range lease.GetGrants() {
		if id, err := blob.IDFrom(g.GetBlob()); err == nil {
			w.base.Swarm.Grant(id, g.GetGrant())
		}
	}
}

// owed says who gets a blob even when the month's volume is used up: coordinators,
// what is no input of a job, and so a result that this worker computed. Without it
// the work would be in vain.
func (w *Worker) owed(ctx context.Context, id blob.ID) bool {
	peer, err := identity.FromContext(ctx)
	return err == nil && peer.Role == jobs.Coordinator && !w.shared.has(id)
}
