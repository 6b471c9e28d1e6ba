package coordinator

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/jobs"
)

// rejoinEvery is how often a coordinator looks whether it is alone in the gossip.
const rejoinEvery = time.Second

// dialGossip connects to a member that proves to be that node or, where none is named,
// to be a coordinator.
func (c *Coordinator) dialGossip(ctx context.Context, address string, node jobs.NodeID) (*tls.Conn, error) {
	want := identity.WantRole(jobs.Coordinator)
	if node != "" {
		if !c.gossipsWith(node, jobs.Coordinator) {
			return nil, fmt.Errorf("node %s is no member", node.Short())
		}
		want = identity.WantNode(node)
	}
	return reach.DialTLS(ctx, address, c.base.Identity.ClientTLS(want, identity.ProtoGossip))
}

// takeGossip takes a connection of a member: one that was let go may keep its
// certificate.
func (c *Coordinator) takeGossip(conn net.Conn, peer identity.Peer) {
	if !c.gossipsWith(peer.Node, peer.Role) {
		_ = conn.Close() // it has no part in this
		return
	}
	c.gossip.Take(conn, peer.Node)
}

// gossipsWith says whether a node is a member as the state has it: a coordinator, or a
// worker of the operators' own. A replica that has heard of nothing yet cannot tell, and
// needs gossip to be found; it believes certificates.
func (c *Coordinator) gossipsWith(node jobs.NodeID, role jobs.Role) (member bool) {
	c.replica.View(func(s *jobs.State) {
		n := s.Nodes[node]
		member = s.Grid == "" && role == jobs.Coordinator || n != nil && (n.Role == jobs.Coordinator || n.Member) && s.ShutOut(node) == ""
	})
	return member
}

// keepGossiping joins the gossip whenever this node is alone in it, and tells the others
// whether its disk is full. Errors are logged: the next round may do better.
func (c *Coordinator) keepGossiping(ctx context.Context) {
	for ctx.Err() == nil {
		others := c.others()
		if !c.gossips() && len(others) > 0 {
			if _, err := c.membership.Join(others); err != nil {
				c.cfg.Logger.Debug("failed to join gossip", "error", err)
			}
		}
		if err := c.membership.SetFull(c.keeper.Full()); err != nil {
			c.cfg.Logger.Debug("failed to tell of the disk", "error", err)
		}
		select {
		case <-time.After(rejoinEvery):
		case <-ctx.Done():
		}
	}
}

// others are where other coordinators may be: the voters, and those that this one was
// told of when it joined.
func (c *Coordinator) others() []string {
	var list []string
	for _, v := range c.replica.Servers() {
		list = append(list, v.Address)
	}
	list = append(list, c.base.Coordinators...)
	slices.Sort(list)
	return slices.DeleteFunc(slices.Compact(list), func(a string) bool { return a == c.base.Address })
}

// gossips says whether another member is there.
func (c *Coordinator) gossips() bool {
	return slices.ContainsFunc(c.membership.Members(), func(m membership.Member) bool {
		return m.Node != c.base.Identity.Node() && m.Status == membership.Alive
	})
}
