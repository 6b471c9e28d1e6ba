package coordinator

import (
	"context"

	"github.com/anthill-grid/anthill/coordinator/publicpage"
	"github.com/anthill-grid/anthill/jobs"
)

// servePublicPage serves the page for everybody, if there is to be one.
func (c *Coordinator) servePublicPage(ctx context.Context) error {
	if c.public == nil {
		return nil
	}
	c.cfg.Logger.Info("everybody may see the counts of this grid", "at", c.public.Address())
	return c.public.Run(ctx)
}

// counts are what the public page shows.
func (c *Coordinator) counts(ctx context.Context) publicpage.Counts {
	n := publicpage.Counts{Workers: len(c.workers(ctx)), Coordinators: len(c.replica.Voters())}
	owners := map[jobs.OwnerID]bool{}
	c.replica.View(func(s *jobs.State) {
		for _, node := range s.Nodes {
			if node.Role == jobs.Worker && node.Ended == nil && !owners[node.Owner] {
				owners[node.Owner] = true
				n.Owners++
			}
		}
		for _, j := range s.Jobs {
			if j.State == jobs.JobRunning {
				n.JobsRunning++
			} else {
				n.JobsFinished++
			}
			n.TasksAccepted += j.Count
		}
	})
	return n
}
