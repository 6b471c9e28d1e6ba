package coordinator

import (
	"context"
	"fmt"
	"slices"

	"github.com/anthill-grid/anthill/coordinator/desk"
	"github.com/anthill-grid/anthill/coordinator/electorate"
	"github.com/anthill-grid/anthill/jobs"
)

// retire has a coordinator leave the group, before the state ends it: once it is shut out,
// nobody could count on its vote for that any more. It is called where this coordinator
// leads.
func (c *Coordinator) retire(_ context.Context, node jobs.NodeID) error {
	servers := c.servers()
	i := slices.IndexFunc(servers, func(s electorate.Server) bool { return s.Node == node })
	if i < 0 {
		return nil
	}
	if !servers[i].Votes {
		return c.replica.Remove(node)
	}
	if voters, there := electorate.VotersWithout(servers, node); there <= voters/2 {
		return &jobs.Rejection{
			Code: jobs.Precondition, Reason: "NO_MAJORITY", Subject: "coordinator " + node.Short(),
			Message: fmt.Sprintf("of the %d that would be left %d answer, which is no majority", voters, there), Next: "start the others first",
		}
	}
	if servers[i].Leads {
		if err := c.replica.TransferLeadership(); err != nil {
			return err
		}
		return desk.ErrNoLeader // the next one removes it
	}
	return c.replica.Remove(node)
}
