package coordinator

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/swarm"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// confirm tells the leader, which may be this coordinator, what is held.
func (c *Coordinator) confirm(ctx context.Context, held jobs.ConfirmHeld) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if c.desk.Leading() {
		return c.desk.Confirm(ctx, held)
	}
	conn, err := c.leader()
	if err != nil {
		return err
	}
	_, err = anthillv1.NewCoordinatorServiceClient(conn).ConfirmHeld(ctx, wire.ConfirmToProto(held))
	return err
}

// leader is a connection to another coordinator, which leads.
func (c *Coordinator) leader() (*gridconn.Conn, error) {
	_, address, ok := c.replica.Leader()
	if !ok {
		return nil, desk.ErrNoLeader
	}
	return c.voters.Dial(address)
}

// find asks the leader, which may be this coordinator, which peers have or want a blob
// that is to be held. It says nothing of results: to name one is to tell whoever
// has the same answer that somebody else has given it, and only the node that made
// a result is asked for it. Nothing is fetched before the desk is there.
func (c *Coordinator) find(ctx context.Context, id blob.ID) ([]swarm.Provider, time.Duration, error) {
	if !c.keeper.Holds(id) {
		return nil, desk.AnnounceEvery, nil
	}
	if c.desk.Leading() {
		return c.desk.FindFor(c.base.Identity.Node(), c.base.Address, id)
	}
	conn, err := c.leader()
	if err != nil {
		return nil, 0, err
	}
	m, err := swarm.Announce(ctx, anthillv1.NewTrackerServiceClient(conn), c.base.Address, id, false, false)
	return m.Peers, m.Again, err
}

// accuse tells the leader, which may be this coordinator, which node served wrong bytes.
func (c *Coordinator) accuse(ctx context.Context, caught swarm.Caught) error {
	if c.desk.Leading() {
		_, err := c.desk.Propose(ctx, jobs.Command{Accuse: &jobs.AccusePeers{By: c.base.Identity.Node(), Nodes: []jobs.NodeID{caught.Node}}})
		return err
	}
	conn, err := c.leader()
	if err != nil {
		return err
	}
	return caught.Report(ctx, anthillv1.NewTrackerServiceClient(conn))
}
