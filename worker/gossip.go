package worker

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/session"
	"github.com/anthill-grid/anthill/jobs"
)

// gossipEvery is how often a worker looks whether it is a member, and alone in the
// gossip.
const gossipEvery = time.Second

// gossip is the part in it of a worker of the operators' own. The others, which are
// volunteers', have none: the grid tells them that they are no members, and they take and
// make no such connection.
type gossip struct {
	mu        sync.Mutex
	news      session.News
	transport *membership.Transport // nil while it does not gossip
	members   *membership.Membership
}

func (g *gossip) heed(n session.News) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.news = n
}

func (g *gossip) state() (session.News, *membership.Transport) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.news, g.transport
}

// takeGossip takes a connection of another member.
func (w *Worker) takeGossip(conn net.Conn, peer identity.Peer) {
	news, transport := w.gossip.state()
	if transport == nil || !news.GossipsWith(peer.Node) {
		_ = conn.Close() // it is none of ours
		return
	}
	transport.Take(conn, peer.Node)
}

// dialGossip connects to a member that proves to be that node or, where none is named,
// to be a coordinator.
func (w *Worker) dialGossip(ctx context.Context, address string, node jobs.NodeID) (*tls.Conn, error) {
	want := identity.WantRole(jobs.Coordinator)
	if node != "" {
		if news, _ := w.gossip.state(); !news.GossipsWith(node) {
			return nil, fmt.Errorf("node %s is no member", node.Short())
		}
		want = identity.WantNode(node)
	}
	return reach.DialTLS(ctx, address, w.base.Identity.ClientTLS(want, identity.ProtoGossip))
}

// keepGossip gossips while the grid says that this worker is a member.
func (w *Worker) keepGossip(ctx context.Context) {
	defer w.endGossip()
	for ctx.Err() == nil {
		news, transport := w.gossip.state()
		switch {
		case news.Member && transport == nil:
			if err := w.beginGossip(); err != nil {
				w.cfg.Logger.Warn("failed to gossip, though this worker is a member", "error", err)
			}
		case news.Member:
			w.joinGossip(news)
		case transport != nil:
			w.endGossip()
		}
		sleep(ctx, gossipEvery)
	}
}

func (w *Worker) beginGossip() error {
	t := membership.NewTransport(w.base.Address, w.dialGossip)
	members, err := membership.New(membership.Config{Node: w.Node(), Role: jobs.Worker, Transport: t, Logger: w.cfg.Logger})
	if err != nil {
		return err
	}
	w.gossip.mu.Lock()
	defer w.gossip.mu.Unlock()
	w.gossip.transport, w.gossip.members = t, members
	return nil
}

// joinGossip meets the coordinators where this worker is alone in the gossip.
func (w *Worker) joinGossip(news session.News) {
	for _, m := range w.gossip.members.Members() {
		if m.Node != w.Node() && m.Status == membership.Alive {
			return
		}
	}
	if _, err := w.gossip.members.Join(news.Addresses()); err != nil {
		w.cfg.Logger.Debug("failed to join gossip", "error", err)
	}
}

func (w *Worker) endGossip() {
	w.gossip.mu.Lock()
	members := w.gossip.members
	w.gossip.transport, w.gossip.members = nil, nil
	w.gossip.mu.Unlock()
	if members == nil {
		return
	}
	if err := members.Shutdown(); err != nil {
		w.cfg.Logger.Debug("failed to stop gossip", "error", err)
	}
}
