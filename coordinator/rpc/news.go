package rpc

import (
	"hash/fnv"
	"slices"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// lookAgain is how often the gazette looks through all nodes although it knows of nothing
// that ended any part in the grid.
const lookAgain = 2 * time.Second

// gazette is what nodes have to know at present.
type gazette struct {
	server *Server
	cuts   uint64 // of the state, when it last looked through all nodes
	looked time.Time
	last   anthillv1.News
}

func (g *gazette) news(now time.Time) *anthillv1.News {
	g.server.cfg.Replica.View(func(st *jobs.State) {
		if cuts := st.Cuts(); cuts != g.cuts || now.Sub(g.looked) >= lookAgain {
			g.cuts, g.looked = cuts, now
			g.last.RevokedNodes, g.last.RevokedOwners = revoked(st)
			g.last.Members = membersOf(st)
			g.last.Revision = revisionOf(&g.last)
		}
	})
	return &anthillv1.News{
		Coordinators: g.server.coordinators(), Revision: g.last.GetRevision(), Members: g.last.GetMembers(),
		RevokedNodes: g.last.GetRevokedNodes(), RevokedOwners: g.last.GetRevokedOwners(),
	}
}

// revoked are those that nobody is to serve or to believe any more, sorted.
func revoked(st *jobs.State) (nodes, owners []string) {
	for _, id := range st.Outlaws() {
		nodes = append(nodes, string(id))
	}
	for id, o := range st.Owners {
		if o.Banned != "" {
			owners = append(owners, string(id))
		}
	}
	slices.Sort(owners)
	return nodes, owners
}

// membersOf are the workers that gossip, sorted.
func membersOf(st *jobs.State) (list []string) {
	for id, n := range st.Nodes {
		if n.Member && st.ShutOut(id) == "" {
			list = append(list, string(id))
		}
	}
	slices.Sort(list)
	return list
}

// revisionOf is the same on all coordinators, so that a node that moves to another need
// not be told again.
func revisionOf(news *anthillv1.News) uint64 {
	if len(news.GetRevokedNodes())+len(news.GetRevokedOwners()) == 0 {
		return 0
	}
	sum := fnv.New64a()
	for _, list := range [][]string{news.GetRevokedNodes(), {""}, news.GetRevokedOwners()} {
		for _, id := range list {
			sum.Write(append([]byte(id), 0))
		}
	}
	return max(1, sum.Sum64())
}

// renew says what is new, nil if nothing is.
func (s *sessions) renew(news *anthillv1.News) *anthillv1.News {
	s.mu.Lock()
	defer s.mu.Unlock()
	if proto.Equal(news, s.news) {
		return nil
	}
	s.news = news
	return news
}
