package coordinator

import (
	"context"
	"time"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// tellEvery is how often a coordinator looks whether the grid knows where it serves.
	tellEvery = time.Second
	// tellWait is how long it waits for another to heed that.
	tellWait = 2 * time.Second
)

// members are the coordinators that gossip knows. Of what it says only whether one is
// there counts: what each is, and where, is what the state has.
func (c *Coordinator) members() (list []membership.Member) {
	heard := c.membership.Members()
	c.replica.View(func(s *jobs.State) {
		for _, m := range heard {
			n := s.Nodes[m.Node]
			if s.Grid != "" && (n == nil || n.Role != jobs.Coordinator) || m.Role != jobs.Coordinator {
				continue
			}
			if n != nil && n.Address != "" && s.Version() >= jobs.VersionStrangers {
				m.Address = n.Address
			}
			list = append(list, m)
		}
	})
	return list
}

// keepAddress tells the grid where this coordinator serves, whenever it knows another
// place.
func (c *Coordinator) keepAddress(ctx context.Context) {
	for ctx.Err() == nil {
		if move := c.move(); move != nil {
			c.tellAddress(ctx, move)
		}
		select {
		case <-time.After(tellEvery):
		case <-ctx.Done():
		}
	}
}

// move is what is to be said; nil if the grid knows it, or would not understand. A replica
// that starts has applied little or nothing until a leader finds it, and so may not know
// the grid, or itself.
func (c *Coordinator) move() (move *jobs.MoveNode) {
	self := c.base.Identity.Node()
	c.replica.View(func(s *jobs.State) {
		switch n := s.Nodes[self]; {
		case n == nil:
			move = &jobs.MoveNode{Node: self, Address: c.base.Address, Moves: 1}
		case n.Ended == nil && n.Address != c.base.Address && (s.Version() >= jobs.VersionStrangers || !c.desk.Leading()):
			move = &jobs.MoveNode{Node: self, Address: c.base.Address, Moves: n.Moves + 1}
		}
	})
	return move
}

// tellAddress tells the leader or, where this coordinator does not find it, any other that
// does: one that has moved may not be heard of by the leader before.
func (c *Coordinator) tellAddress(ctx context.Context, move *jobs.MoveNode) {
	if c.desk.Leading() {
		if _, err := c.desk.Propose(ctx, jobs.Command{Move: move}); err != nil {
			c.cfg.Logger.Debug("failed to note where this coordinator is", "error", err)
		}
		return
	}
	for _, address := range c.others() {
		moves, err := c.askToHeed(ctx, address, move)
		if err == nil && moves != move.Moves { // this replica is behind
			move.Moves = moves + 1
			moves, err = c.askToHeed(ctx, address, move)
		}
		if err == nil && moves == move.Moves {
			return
		}
		c.cfg.Logger.Debug("failed to tell where this coordinator is", "to", address, "error", err)
	}
}

func (c *Coordinator) askToHeed(ctx context.Context, address string, move *jobs.MoveNode) (moves uint64, err error) {
	conn, err := c.voters.Dial(address)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, tellWait)
	defer cancel()
	resp, err := anthillv1.NewCoordinatorServiceClient(conn).Move(ctx, &anthillv1.MoveRequest{Address: move.Address, Moves: move.Moves})
	return resp.GetMoves(), err
}
