package coordinator

import (
	"context"
	"fmt"
	"slices"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/jobs"
)

// retire takes a coordinator's vote, before the state ends it: once it is shut out, nobody
// could count on its vote for that any more. It is called where this coordinator leads.
func (c *Coordinator) retire(_ context.Context, node jobs.NodeID) error {
	voters := c.replica.Voters()
	i := slices.IndexFunc(voters, func(v replica.Voter) bool { return v.Node == node })
	if i < 0 {
		return c.dropSpare(node)
	}
	voters = slices.Delete(voters, i, i+1)
	alive := 0
	for _, v := range voters {
		if v.Node == c.base.Identity.Node() || c.lives(v.Node) {
			alive++
		}
	}
	if alive < len(voters)/2+1 {
		return &jobs.Rejection{
			Code: jobs.Precondition, Reason: "NO_MAJORITY", Subject: "coordinator " + node.Short(),
			Message: fmt.Sprintf("of the %d that would be left %d answer, which is no majority", len(voters), alive), Next: "start the others first",
		}
	}
	if node == c.base.Identity.Node() {
		if err := c.replica.TransferLeadership(); err != nil {
			return err
		}
		return desk.ErrNoLeader // the next one removes it
	}
	return c.replica.Remove(node)
}

// lives says whether gossip hears of a coordinator.
func (c *Coordinator) lives(node jobs.NodeID) bool {
	return slices.ContainsFunc(c.membership.Members(), func(m membership.Member) bool {
		return m.Node == node && m.Status == membership.Alive
	})
}

// dropSpare has a coordinator leave the group that has no vote in it.
func (c *Coordinator) dropSpare(node jobs.NodeID) error {
	for _, s := range c.replica.Servers() {
		if s.Node == node {
			return c.replica.Remove(node)
		}
	}
	return nil
}
