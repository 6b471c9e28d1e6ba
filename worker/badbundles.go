package worker

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/worker/executor"
	"github.com/anthill-grid/anthill/worker/sandbox"
)

const (
	// badRuns is how often the engine may fail at a bundle, with no success
	// in between, before the worker shuns it.
	badRuns = 3
	// shunTime is for how long. Then the bundle has one more chance.
	shunTime = 10 * time.Minute
	// maxBadBundles bounds those that are remembered.
	maxBadBundles = 256
)

// badBundles remember the bundles at which the engine has failed: ones that crash it,
// eat all memory, do not compile in time, or are not what it takes for a module. Some
// other machine may be able to run them; this one wastes its time on them, and each
// failure counts against its reliability.
type badBundles struct {
	mu      sync.Mutex
	bundles map[blob.ID]*badBundle
}

type badBundle struct {
	inARow int
	last   time.Time
	why    string // of the last one
}

// note takes down how a run of a bundle ended. The guest's time limit says
// nothing about the engine; every other end does.
func (b *badBundles) note(bundle blob.ID, r sandbox.Result, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch r.Status {
	case sandbox.TimedOut:
	case sandbox.Killed, sandbox.Refused:
		known := b.bundles[bundle]
		if known == nil {
			b.makeRoom()
			known = &badBundle{}
			b.bundles[bundle] = known
		}
		known.inARow++
		known.last, known.why = now, r.Reason
	default:
		delete(b.bundles, bundle)
	}
}

// makeRoom forgets the bundle that failed longest ago where there are too many.
func (b *badBundles) makeRoom() {
	if b.bundles == nil {
		b.bundles = map[blob.ID]*badBundle{}
	}
	if len(b.bundles) < maxBadBundles {
		return
	}
	var oldest blob.ID
	for id, known := range b.bundles {
		if o := b.bundles[oldest]; o == nil || known.last.Before(o.last) {
			oldest = id
		}
	}
	delete(b.bundles, oldest)
}

// shun says why a bundle is not to be run now; nil if it may be.
func (b *badBundles) shun(bundle blob.ID, now time.Time) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	known := b.bundles[bundle]
	if known == nil || known.inARow < badRuns || now.Sub(known.last) >= shunTime {
		return nil
	}
	return fmt.Errorf("run bundle %s: this worker does not run it for %v, since its engine failed %d times in a row: %s",
		bundle.Short(), shunTime, known.inARow, known.why)
}

// bundleOf is the zero id if the lease names none.
func bundleOf(lease *anthillv1.Lease) blob.ID {
	id, _ := blob.IDFrom(lease.GetSpec().GetBundle().GetId()) // Prepare complains
	return id
}

// watched is a runner whose results are noted.
type watched struct {
	executor.Runner
	bundle blob.ID
	bad    *badBundles
}

// Run implements executor.Runner.
func (w watched) Run(ctx context.Context, t sandbox.Task) (sandbox.Result, error) {
	r, err := w.Runner.Run(ctx, t)
	if err == nil {
		w.bad.note(w.bundle, r, time.Now())
	}
	return r, err
}
