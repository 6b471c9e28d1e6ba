package session

import (
	"maps"
	"slices"

	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// News is what the grid has told this node last.
type News struct {
	// Coordinators are where the voters are, HOST:PORT, by their ids.
	Coordinators map[jobs.NodeID]string
	// Revision changes with the revoked.
	Revision uint64
	// RevokedNodes are to be served nothing and believed nothing. Those of
	// RevokedOwners are among them. They are here also when they are not news.
	RevokedNodes  map[jobs.NodeID]bool
	RevokedOwners map[jobs.OwnerID]bool
	// Member says that this node gossips, with the coordinators and with the workers that
	// are Members.
	Member  bool
	Members map[jobs.NodeID]bool
}

// GossipsWith says whether this node is a member, and another is.
func (n News) GossipsWith(node jobs.NodeID) bool {
	_, coordinator := n.Coordinators[node]
	return n.Member && !n.RevokedNodes[node] && (coordinator || n.Members[node])
}

// Addresses are the coordinators', sorted.
func (n News) Addresses() []string { return slices.Sorted(maps.Values(n.Coordinators)) }

// OnNews has f called with the news of the grid: at once if there are any, and each time
// that they change. What it is given must not be changed, and it must return soon.
func (s *Session) OnNews(f func(News)) {
	s.mu.Lock()
	s.onNews = append(s.onNews, f)
	news := s.news
	s.mu.Unlock()
	if news != nil {
		f(*news)
	}
}

// Learn replaces the coordinators that may be connected to. An empty list is ignored.
func (s *Session) Learn(addresses []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(addresses) > 0 {
		s.known = slices.Clone(addresses)
	}
}

// Revoked says whether a node is to be served nothing and believed nothing.
func (s *Session) Revoked(node jobs.NodeID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news != nil && s.news.RevokedNodes[node]
}

func (s *Session) revision() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.news == nil {
		return 0
	}
	return s.news.Revision
}

// learn takes what a coordinator told.
func (s *Session) learn(m *anthillv1.News) {
	news := &News{Coordinators: map[jobs.NodeID]string{}, Revision: m.GetRevision(), RevokedNodes: map[jobs.NodeID]bool{}, RevokedOwners: map[jobs.OwnerID]bool{}, Member: m.GetMember(), Members: map[jobs.NodeID]bool{}}
	for _, c := range m.GetCoordinators() {
		news.Coordinators[jobs.NodeID(c.GetNodeId())] = c.GetAddress()
	}
	for _, id := range m.GetMembers() {
		news.Members[jobs.NodeID(id)] = true
	}
	for _, id := range m.GetRevokedNodes() {
		news.RevokedNodes[jobs.NodeID(id)] = true
	}
	for _, id := range m.GetRevokedOwners() {
		news.RevokedOwners[jobs.OwnerID(id)] = true
	}
	s.mu.Lock()
	if m.GetSame() && s.news != nil {
		news.RevokedNodes, news.RevokedOwners = s.news.RevokedNodes, s.news.RevokedOwners
	}
	s.news = news
	listeners := slices.Clone(s.onNews)
	s.mu.Unlock()
	s.Learn(news.Addresses())
	for _, f := range listeners {
		f(*news)
	}
}
