package coordinator

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// oldLogsEvery is how often the logs of jobs are let go that have been forgotten.
const oldLogsEvery = time.Minute

func (c *Coordinator) sweepLogs(ctx context.Context) {
	ticker := time.NewTicker(oldLogsEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		known := map[jobs.JobID]bool{}
		c.replica.View(func(s *jobs.State) {
			for id := range s.Jobs {
				known[id] = true
			}
		})
		if len(known) == 0 {
			continue // a replica that has not caught up yet knows none
		}
		if err := c.logs.Sweep(func(id jobs.JobID) bool { return known[id] }); err != nil {
			c.cfg.Logger.Warn("failed to let logs of attempts go", "error", err)
		}
	}
}
