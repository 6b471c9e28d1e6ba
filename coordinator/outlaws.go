package coordinator

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

// outlawsEvery is how often it is looked whether nodes were shut out, where nothing else
// says that the state has changed.
const outlawsEvery = time.Second

// heedOutlaws hangs up on nodes that were shut out, and ends where this one was itself.
func (c *Coordinator) heedOutlaws(ctx context.Context) error {
	cuts, first := uint64(0), true
	for {
		changed := c.replica.Changed()
		why := ""
		var nodes map[jobs.NodeID]bool
		c.replica.View(func(s *jobs.State) {
			if why = s.ShutOut(c.base.Identity.Node()); first || s.Cuts() != cuts {
				nodes = map[jobs.NodeID]bool{}
				for _, id := range s.Outlaws() {
					nodes[id] = true
				}
				cuts, first = s.Cuts(), false
			}
		})
		if why != "" {
			return problem.Invalid("start it in a fresh data directory, with a new token, to have it back", "coordinator %s: %s", c.base.Identity.Node().Short(), why)
		}
		if nodes != nil {
			c.base.Identity.ShutOut(nodes)
		}
		select {
		case <-changed:
			pause(ctx, 50*time.Millisecond)
		case <-time.After(outlawsEvery):
		case <-ctx.Done():
			return nil
		}
	}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
