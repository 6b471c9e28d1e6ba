package rpc

import (
	"hash/fnv"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// gazette is what nodes have to know at present. Who is shut out is looked up again when
// the state has changed.
type gazette struct {
	server        *Server
	changed       <-chan struct{}
	nodes, owners []string
}

func (g *gazette) news() *anthillv1.News {
	if g.stale() {
		g.changed = g.server.cfg.Replica.Changed()
		g.server.cfg.Replica.View(func(st *jobs.State) { g.nodes, g.owners = revoked(st) })
	}
	news := &anthillv1.News{Coordinators: g.server.coordinators(), RevokedNodes: g.nodes, RevokedOwners: g.owners}
	news.Revision = revisionOf(news)
	return news
}

func (g *gazette) stale() bool {
	select {
	case <-g.changed:
		return true
	default:
		return g.changed == nil
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
