package rpc

import (
	"hash/fnv"
	"slices"

	"google.golang.org/protobuf/proto"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// newsOf is what nodes have to know at present.
func (s *Server) newsOf() *anthillv1.News {
	news := &anthillv1.News{Coordinators: s.coordinators()}
	s.cfg.Replica.View(func(st *jobs.State) { news.RevokedNodes, news.RevokedOwners = revoked(st) })
	news.Revision = revisionOf(news)
	return news
}

// revoked are those that nobody is to serve or to believe any more, sorted.
func revoked(st *jobs.State) (nodes, owners []string) {
	banned := map[jobs.OwnerID]bool{}
	for id, o := range st.Owners {
		if o.Banned != "" {
			banned[id] = true
			owners = append(owners, string(id))
		}
	}
	if len(owners) == 0 {
		return nil, nil
	}
	for id, n := range st.Nodes {
		if banned[n.Owner] {
			nodes = append(nodes, string(id))
		}
	}
	slices.Sort(nodes)
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
func (s *sessions) renew(now func() *anthillv1.News) *anthillv1.News {
	news := now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if proto.Equal(news, s.news) {
		return nil
	}
	s.news = news
	return news
}
