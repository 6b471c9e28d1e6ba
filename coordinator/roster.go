package coordinator

import (
	"context"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// rosterAge is how old what the leader said of workers may be, and rosterWait how
	// long it is waited for.
	rosterAge  = time.Second
	rosterWait = 300 * time.Millisecond
)

// roster is what the leader said of the workers, to a coordinator that does not lead.
type roster struct {
	mu      sync.Mutex
	at      time.Time
	workers map[jobs.NodeID]string
}

// workers are the workers that the leader has heard of lately, and where they serve
// what they have. Where the leader cannot be asked they are those it said last.
func (c *Coordinator) workers(ctx context.Context) map[jobs.NodeID]string {
	if c.desk.Leading() {
		return c.desk.Located()
	}
	c.roster.mu.Lock()
	defer c.roster.mu.Unlock()
	if time.Since(c.roster.at) < rosterAge {
		return c.roster.workers
	}
	c.roster.at = time.Now()
	list, err := c.askRoster(ctx)
	if err != nil {
		c.cfg.Logger.Debug("failed to ask the leader for the workers", "error", err)
		return c.roster.workers
	}
	c.roster.workers = list
	return list
}

func (c *Coordinator) askRoster(ctx context.Context) (map[jobs.NodeID]string, error) {
	conn, err := c.leader()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, rosterWait)
	defer cancel()
	resp, err := anthillv1.NewCoordinatorServiceClient(conn).LocateWorkers(ctx, &anthillv1.LocateWorkersRequest{})
	if err != nil {
		return nil, err
	}
	list := map[jobs.NodeID]string{}
	for _, w := range resp.GetWorkers() {
		list[jobs.NodeID(w.GetNodeId())] = w.GetAddress()
	}
	return list, nil
}
