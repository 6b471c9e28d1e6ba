package coordinator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/node"
)

// lookForLeaderEvery is how often a coordinator looks whether anybody leads.
const lookForLeaderEvery = time.Second

// lookForLeader tells the operator when the coordinators have had no leader for some time,
// and when they have one again: no job goes on meanwhile.
func (c *Coordinator) lookForLeader(ctx context.Context) {
	var silence node.Silence
	ticker := time.NewTicker(lookForLeaderEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
		if _, _, ok := c.replica.Leader(); ok {
			if silence.Answered() {
				c.cfg.Logger.Info("the coordinators have a leader again")
			}
			continue
		}
		if tell, long := silence.Unanswered(time.Now(), errLeaderless); tell {
			there, voters := c.votersThere()
			c.cfg.Logger.Warn("the coordinators have no leader: no job goes on until a majority of them runs and can reach each other",
				"for", long.Round(time.Second), "there", fmt.Sprintf("%d of %d", there, voters))
		}
	}
}

var errLeaderless = errors.New("no coordinator leads")

// votersThere is how many of the voters are alive, as gossip has it.
func (c *Coordinator) votersThere() (there, all int) {
	alive := map[string]bool{string(c.base.Identity.Node()): true}
	for _, m := range c.members() {
		if m.Status == membership.Alive {
			alive[string(m.Node)] = true
		}
	}
	voters := c.replica.Voters()
	for _, v := range voters {
		if alive[string(v.Node)] {
			there++
		}
	}
	return there, len(voters)
}
