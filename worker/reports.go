package worker

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// keptOutputs is how many small outputs stay on disk after they were
// handed in.
const keptOutputs = 4096

// deliver hands reports in until the outbox is closed and empty. A call that
// fails is repeated: a lease counts once.
func (w *Worker) deliver(ctx context.Context) {
	for {
		batch, ok := w.reports.take(ctx)
		if !ok {
			return
		}
		var kept sync.WaitGroup
		kept.Go(func() { w.keep(batch) })
		for ctx.Err() == nil {
			err := w.report(ctx, batch)
			if err == nil {
				break
			}
			if permanent(err) {
				w.cfg.Logger.Warn("failed to hand in reports", "error", err)
				break
			}
			w.cfg.Logger.Debug("failed to hand in reports", "error", err)
			sleep(ctx, 100*time.Millisecond)
		}
		w.reports.handedIn() // first: what counts neither here nor there is not asked for twice
		for _, r := range batch {
			w.leases.drop(r.GetLease())
		}
		kept.Wait()
	}
}

// keep stores the small outputs of a batch by one sync of the disk. The report
// carries them too; this copy is for the case that the leader dies before it has
// stored its own, so it is worth a try and no more.
func (w *Worker) keep(batch []*anthillv1.AttemptReport) {
	var outputs [][]byte
	for _, r := range batch {
		if r.GetData() != nil {
			outputs = append(outputs, r.GetData())
		}
	}
	if len(outputs) == 0 {
		return
	}
	refs, err := w.base.Store.PutMany(outputs)
	if err != nil {
		w.cfg.Logger.Warn("failed to store outputs", "error", err)
		return
	}
	w.forgetOldest(refs)
}

// forgetOldest keeps the last keptOutputs small outputs: by then the others
// are on coordinators' disks, or the job is gone.
func (w *Worker) forgetOldest(refs []blob.Ref) {
	for _, r := range refs {
		w.kept = append(w.kept, r.ID)
	}
	for len(w.kept) > keptOutputs {
		old := w.kept[0]
		w.kept = w.kept[1:]
		if w.shared.has(old) || slices.Contains(w.kept, old) {
			continue
		}
		if err := w.base.Store.Delete(old); err != nil {
			w.cfg.Logger.Debug("failed to delete an old output", "error", err)
		}
	}
}

func (w *Worker) report(ctx context.Context, batch []*anthillv1.AttemptReport) error {
	w.putSimply(batch)
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	_, err := w.work.Report(ctx, &anthillv1.ReportRequest{Reports: batch})
	return err
}

// putSimply reports in the words of older rules, by which coordinators judge until all
// of them know the newer ones.
func (w *Worker) putSimply(batch []*anthillv1.AttemptReport) {
	if w.rules.Load() >= uint32(jobs.VersionInput) {
		return
	}
	for _, r := range batch {
		switch r.GetStatus() {
		case anthillv1.AttemptStatus_ATTEMPT_STATUS_STARVED, anthillv1.AttemptStatus_ATTEMPT_STATUS_STOPPED:
			r.Status = anthillv1.AttemptStatus_ATTEMPT_STATUS_LOST
		}
	}
}
