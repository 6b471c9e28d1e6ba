package coordinator

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/jobs"
)

// recruit makes voters of the coordinators that gossip finds, while this one
// leads. Gossip is only a hint: the state must know the node as a coordinator,
// and it must prove at that address to be the one. A voter that is not there
// would cost the group its majority.
func (c *Coordinator) recruit(ctx context.Context) {
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	for {
		for _, m := range c.recruits() {
			if err := c.enlist(ctx, m); err != nil {
				c.cfg.Logger.Warn("failed to add voter", "node", m.Node.Short(), "error", err)
			}
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// recruits are coordinators that are alive and no voters, or voters that have said that
// they are at a new address.
func (c *Coordinator) recruits() []membership.Member {
	voters := map[jobs.NodeID]string{}
	for _, v := range c.replica.Voters() {
		voters[v.Node] = v.Address
	}
	var list []membership.Member
	for _, m := range c.members() {
		if m.Status != membership.Alive || voters[m.Node] == m.Address {
			continue
		}
		c.replica.View(func(s *jobs.State) {
			if n := s.Nodes[m.Node]; n != nil && n.Role == jobs.Coordinator && n.Ended == nil {
				list = append(list, m)
			}
		})
	}
	return list
}

func (c *Coordinator) enlist(ctx context.Context, m membership.Member) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := reach.DialTLS(ctx, m.Address, c.voterTLS(m.Node))
	if err != nil {
		return fmt.Errorf("it does not answer at %s: %w", m.Address, err)
	}
	conn.Close()
	return c.replica.AddVoter(m.Node, m.Address)
}

// voterTLS is for reaching one voter, and no other, for raft.
func (c *Coordinator) voterTLS(id jobs.NodeID) *tls.Config {
	return c.base.Identity.ClientTLS(identity.WantNode(id), identity.ProtoRaft)
}
