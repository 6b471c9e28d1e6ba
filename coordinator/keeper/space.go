package keeper

import (
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

// DatasetSpace is how many bytes of datasets this coordinator's disk is for.
func (k *Keeper) DatasetSpace() int64 { return k.cfg.Store.Capacity() / jobs.DatasetShare }

// Fits tells whether blobs that are not here yet have space on this coordinator's disk,
// beside all that is to come already and a part for results; blobstore.ErrFull if not.
func (k *Keeper) Fits(refs []blob.Ref) error {
	seen := map[blob.ID]int64{}
	asked := k.toCome(seen, refs)
	if asked == 0 {
		return nil
	}
	return k.cfg.Store.Room(asked, k.reserved(seen))
}

// reserved is the space for results and for what else is to come: of datasets, which
// have their owners' shares, and of the blobs of running jobs. Of those an owner gets
// no more reserved than a share: otherwise it could stop all others by announcing what
// never comes.
func (k *Keeper) reserved(seen map[blob.ID]int64) int64 {
	datasets, running := k.charged()
	capacity := k.cfg.Store.Capacity()
	sum := capacity/jobs.ResultShare + k.toCome(seen, datasets)
	owners := map[jobs.OwnerID]int64{}
	for _, j := range running {
		owners[j.owner] += k.toCome(seen, j.blobs)
	}
	for _, n := range owners {
		sum += min(n, capacity/jobs.InputShare)
	}
	return sum
}

// readingJob is a running job by what it reads.
type readingJob struct {
	owner jobs.OwnerID
	blobs []blob.Ref
}

// charged are the datasets and the running jobs.
func (k *Keeper) charged() (datasets []blob.Ref, running []readingJob) {
	k.cfg.Replica.View(func(s *jobs.State) {
		for id, b := range s.Datasets {
			datasets = append(datasets, blob.Ref{ID: id, Size: b.Size})
		}
		for _, id := range s.Running() {
			running = append(running, readingJob{s.Jobs[id].Owner, s.Jobs[id].Spec.Blobs()})
		}
	})
	return datasets, running
}

// toCome is how many bytes of blobs are still to come beside what was seen, which it
// notes.
func (k *Keeper) toCome(seen map[blob.ID]int64, refs []blob.Ref) (sum int64) {
	for _, r := range refs {
		if n := k.lacking(r); n > seen[r.ID] {
			sum += n - seen[r.ID]
			seen[r.ID] = n
		}
	}
	return sum
}

// lacking is how much of a blob is not here: all of what is claimed, until its
// manifest tells.
func (k *Keeper) lacking(r blob.Ref) int64 {
	if k.cfg.Store.Complete(r.ID) {
		return 0
	}
	m, have, err := k.cfg.Store.Have(r.ID)
	if err != nil {
		return r.Size
	}
	n := m.Size
	for i := range m.Pieces {
		if have.Has(i) {
			n -= m.PieceLen(i)
		}
	}
	return n
}

// fullTime is for how long a disk counts as full that has just taken no more: what it
// could not take is tried again before that is over.
const fullTime = 2 * retryMax

// Full says whether this coordinator's disk takes no more.
func (k *Keeper) Full() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return time.Since(k.full) < fullTime
}

func (k *Keeper) noteFull() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.full = time.Now()
}
