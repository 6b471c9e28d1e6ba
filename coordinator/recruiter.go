package coordinator

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/anthill-grid/anthill/coordinator/electorate"
	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/jobs"
)

// ReplaceAfter is for how long a voter is silent, by default, until a spare takes its place.
const ReplaceAfter = 10 * time.Minute

// recruit lets the coordinators that gossip finds follow the log, while this one leads,
// and decides which of them vote. Gossip is only a hint: the state must know the node as a
// coordinator, and it must prove at that address to be the one.
func (c *Coordinator) recruit(ctx context.Context) {
	ticker := time.NewTicker(500 * time.Millisecond)
	defer ticker.Stop()
	var told map[jobs.NodeID]string
	for {
		failed := map[jobs.NodeID]string{}
		for _, r := range c.recruits() {
			if err := c.enlist(ctx, r); err != nil {
				failed[r.Node] = err.Error()
				if told[r.Node] != err.Error() {
					c.cfg.Logger.Warn("failed to add a coordinator", "node", r.Node.Short(), "error", err, "next", problem.Next(err))
				}
			}
		}
		told = failed
		servers := c.servers()
		c.elect(ctx, servers)
		if err := c.noteAway(ctx, servers); err != nil {
			c.cfg.Logger.Warn("failed to note which coordinators are away", "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// recruited is a coordinator that is to be added, or has a new address.
type recruited struct {
	membership.Member
	votes bool
}

// recruits are coordinators that are alive and not in the group, or in it and say that
// they are at another address.
func (c *Coordinator) recruits() []recruited {
	servers := map[jobs.NodeID]replica.Server{}
	for _, s := range c.replica.Servers() {
		servers[s.Node] = s
	}
	members := c.members()
	var list []recruited
	c.replica.View(func(s *jobs.State) {
		for _, m := range members {
			n, known := s.Nodes[m.Node], servers[m.Node]
			if m.Status == membership.Alive && known.Address != m.Address && n != nil && n.Role == jobs.Coordinator && n.Ended == nil {
				list = append(list, recruited{m, known.Votes})
			}
		}
	})
	return list
}

// enlist adds a coordinator to the group, without a vote, or tells the group where it is
// now. It must be who it says, and know the rules that are in force.
func (c *Coordinator) enlist(ctx context.Context, r recruited) error {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	conn, err := reach.DialTLS(ctx, r.Address, c.voterTLS(r.Node))
	if err != nil {
		return fmt.Errorf("it does not answer at %s: %w", r.Address, err)
	}
	conn.Close()
	if r.votes {
		return c.replica.AddVoter(r.Node, r.Address)
	}
	if err := c.checkRules(ctx, r.Member); err != nil {
		return err
	}
	return c.replica.AddFollower(r.Node, r.Address)
}

// checkRules refuses a coordinator that could not apply what it would be sent.
func (c *Coordinator) checkRules(ctx context.Context, m membership.Member) error {
	d, err := c.describe(ctx, replica.Voter{Node: m.Node, Address: m.Address}, false)
	if err != nil {
		return err
	}
	var version jobs.Version
	c.replica.View(func(s *jobs.State) { version = s.Version() })
	if d.last < version {
		return problem.Invalid("upgrade it", "coordinator %s at %s knows rules up to version %d, and version %d is in force", m.Node.Short(), m.Address, d.last, version)
	}
	return nil
}

// elect takes the next step towards who should vote, one at a time.
func (c *Coordinator) elect(ctx context.Context, servers []electorate.Server) {
	step := electorate.Next(servers, c.cfg.ReplaceAfter)
	if step.Act == electorate.None {
		return
	}
	var err error
	what := ""
	switch step.Act {
	case electorate.Promote:
		what, err = "coordinator votes now", c.replica.AddVoter(step.Node, c.addressOf(step.Node))
	case electorate.Demote:
		what, err = "coordinator is a spare now", c.replica.Demote(step.Node)
	case electorate.Remove:
		what, err = "coordinator left the group", c.drop(ctx, step)
	case electorate.HandOver:
		what, err = "another coordinator leads", c.replica.TransferLeadership()
	}
	if err != nil {
		c.cfg.Logger.Warn("failed to change who votes", "node", step.Node.Short(), "error", err)
		return
	}
	c.cfg.Logger.Info(what, "node", step.Node.Short(), "since", step.Why)
}

// drop has a coordinator leave the group. One that another has taken the place of is gone
// for good: nothing is waited for from it.
func (c *Coordinator) drop(ctx context.Context, step electorate.Step) error {
	if err := c.replica.Remove(step.Node); err != nil || !step.Phantom {
		return err
	}
	_, err := c.desk.Propose(ctx, jobs.Command{EndNode: &jobs.EndNode{
		Node: step.Node, By: c.base.Identity.Node(), Coordinator: true, Why: step.Why,
	}})
	return err
}

// noteAway tells the state which coordinators have been silent for so long that others
// take their places, and which are back.
func (c *Coordinator) noteAway(ctx context.Context, servers []electorate.Server) error {
	long := map[jobs.NodeID]bool{}
	for _, s := range servers {
		long[s.Node] = s.Silent >= c.cfg.ReplaceAfter
	}
	var note jobs.NoteAway
	c.replica.View(func(s *jobs.State) {
		for _, id := range s.Holders {
			n := s.Nodes[id]
			switch away, known := long[id]; {
			case n.Ended != nil || !known:
			case away && !n.Away:
				note.Away = append(note.Away, id)
			case !away && n.Away:
				note.Back = append(note.Back, id)
			}
		}
	})
	if len(note.Away)+len(note.Back) == 0 {
		return nil
	}
	_, err := c.desk.Propose(ctx, jobs.Command{Away: &note})
	return err
}

// servers are the members of the group as the leader knows them.
func (c *Coordinator) servers() (list []electorate.Server) {
	now, self := time.Now(), c.base.Identity.Node()
	for _, s := range c.replica.Servers() {
		e := electorate.Server{Node: s.Node, Address: s.Address, Votes: s.Votes, Leads: s.Node == self}
		if !e.Leads {
			c.book.fill(&e, now)
		}
		list = append(list, e)
	}
	c.replica.View(func(st *jobs.State) {
		for i := range list {
			n := st.Nodes[list[i].Node]
			list[i].Removed = st.Grid != "" && (n == nil || n.Ended != nil)
		}
	})
	return list
}

func (c *Coordinator) addressOf(id jobs.NodeID) string {
	for _, s := range c.replica.Servers() {
		if s.Node == id {
			return s.Address
		}
	}
	return ""
}

// voterTLS is for reaching one voter, and no other, for raft.
func (c *Coordinator) voterTLS(id jobs.NodeID) *tls.Config {
	return c.base.Identity.ClientTLS(identity.WantNode(id), identity.ProtoRaft)
}
