package simgrid

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Outcome is what became of the jobs of one grid or, summed, of several.
type Outcome struct {
	Tasks, Wrong int
	Started      int // attempts
	Liars        int // those who returned under another name count again
	LiarsBanned  int
	LiesOfBanned int // told before they were banned
	HonestBanned int
	Jobs         int
	Short        int     // jobs that finished short of the bound
	Bound        float64 // the error that the jobs claimed, summed
	Virtual      int64   // milliseconds
	Seconds      float64 // of real time
}

// ErrorRate is the share of wrong results.
func (o Outcome) ErrorRate() float64 { return float64(o.Wrong) / float64(max(1, o.Tasks)) }

// Redundancy is the number of attempts for each task.
func (o Outcome) Redundancy() float64 { return float64(o.Started) / float64(max(1, o.Tasks)) }

func (o *Outcome) add(x Outcome) {
	o.Tasks += x.Tasks
	o.Wrong += x.Wrong
	o.Started += x.Started
	o.Liars += x.Liars
	o.LiarsBanned += x.LiarsBanned
	o.LiesOfBanned += x.LiesOfBanned
	o.HonestBanned += x.HonestBanned
	o.Jobs += x.Jobs
	o.Short += x.Short
	o.Bound += x.Bound
	o.Virtual += x.Virtual
	o.Seconds += x.Seconds
}

// Run plays the jobs of one grid.
func Run(ctx context.Context, cfg Config, seed uint64) (Outcome, error) {
	if err := cfg.Check(); err != nil {
		return Outcome{}, err
	}
	play := playJobs
	if cfg.Policy == BOINC {
		play = playBOINC
	}
	start := time.Now()
	out, err := play(ctx, cfg, seed)
	if err != nil {
		return Outcome{}, fmt.Errorf("seed %d: %w", seed, err)
	}
	out.Seconds = time.Since(start).Seconds()
	return out, nil
}

// RunSeeds plays a job for each of n seeds from first on, as many at a time as
// there are processors, and sums up. played, if not nil, hears of each, one
// call at a time.
func RunSeeds(ctx context.Context, cfg Config, first uint64, n int, played func(seed uint64, o Outcome)) (Outcome, error) {
	all := make([]Outcome, n)
	var mu sync.Mutex
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i := range all {
		group.Go(func() error {
			seed := first + uint64(i)
			out, err := Run(ctx, cfg, seed)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			all[i] = out
			if played != nil {
				played(seed, out)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Outcome{}, err
	}
	var sum Outcome
	for _, o := range all {
		sum.add(o)
	}
	return sum, nil
}
