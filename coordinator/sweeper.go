package coordinator

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// forgetEvery is how often the leader looks for what is over, and notes who is there.
const forgetEvery = 20 * time.Second

// sweep has the state forget what is over, while this coordinator leads.
func (c *Coordinator) sweep(ctx context.Context) {
	ticker := time.NewTicker(forgetEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			if err := c.sweepOnce(ctx); err != nil && ctx.Err() == nil {
				c.cfg.Logger.Warn("failed to forget what is over", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// sweepOnce asks the coordinators who reads what, after it was found what is over: a read
// that begins later finds nothing, and none is cut off.
func (c *Coordinator) sweepOnce(ctx context.Context) error {
	now := c.replica.Now()
	var overdue jobs.Forget
	c.replica.View(func(s *jobs.State) { overdue = s.Overdue(now) })
	voters := append(c.askVoters(ctx, describeWait, true), described{reading: c.rpc.Reading(), seen: c.rpc.Seen()})
	seen, reading := map[jobs.NodeID]bool{}, map[jobs.JobID]bool{}
	for _, v := range voters {
		for _, node := range v.seen {
			seen[node] = true
		}
		for _, id := range v.reading {
			reading[id] = true
		}
	}
	if err := c.note(ctx, slices.Sorted(maps.Keys(seen))); err != nil {
		return err
	}
	overdue.Jobs = slices.DeleteFunc(overdue.Jobs, func(id jobs.JobID) bool { return reading[id] })
	overdue.Nodes = slices.DeleteFunc(overdue.Nodes, func(id jobs.NodeID) bool { return seen[id] })
	if overdue.IsEmpty() {
		return nil
	}
	slices.Sort(overdue.Tokens)
	slices.Sort(overdue.Nodes)
	_, err := c.desk.Propose(ctx, jobs.Command{Forget: &overdue})
	if err == nil {
		c.cfg.Logger.Info("forgot what is over", "jobs", len(overdue.Jobs), "tokens", len(overdue.Tokens), "nodes", len(overdue.Nodes))
	}
	return err
}

// note has the state note that nodes are there.
func (c *Coordinator) note(ctx context.Context, nodes []jobs.NodeID) error {
	if len(nodes) == 0 {
		return nil
	}
	_, err := c.desk.Propose(ctx, jobs.Command{See: &jobs.SeeNodes{Nodes: nodes[:min(len(nodes), jobs.MaxForget)]}})
	return err
}
