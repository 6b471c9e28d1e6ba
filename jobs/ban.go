package jobs

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	// enoughAccusers is how many owners must have caught one serving wrong bytes
	// before he is banned for it: a lone report may be a lie.
	enoughAccusers = 2
	// accusationLife is how long a report counts.
	accusationLife = 30 * 24 * time.Hour
	// maxAccused is how many owners one owner may have named at a time, so that
	// nobody fills the log with reports, or the grid's memory.
	maxAccused = 16
	// maxAccusedAtOnce bounds one command.
	maxAccusedAtOnce = 64
)

// accuse notes who served wrong bytes to whom. Two owners, or one coordinator,
// get an owner banned. A report against oneself, a coordinator, an operator, or somebody
// who is banned already changes nothing, and neither does one more than maxAccused.
func (s *State) accuse(c *AccusePeers) Outcome {
	heard, r := s.Heard(c)
	if r != nil {
		return rejected(r)
	}
	h := newHearing()
	for _, id := range heard {
		s.hearAccusation(h, s.Nodes[c.By], s.Nodes[id].Owner)
	}
	s.conclude(h)
	return Outcome{}
}

// Heard are those of the accused of whom a report changes what is known, or why it is
// not heard at all.
func (s *State) Heard(c *AccusePeers) (heard []NodeID, r *Rejection) {
	by := s.Nodes[c.By]
	switch {
	case by == nil:
		return nil, reject(NotFound, "UNKNOWN_NODE", "node "+string(c.By), "is not of this grid")
	case s.BannedNode(c.By) != "":
		return nil, reject(Denied, "OWNER_BANNED", "owner "+string(by.Owner), "banned: %s", s.Owners[by.Owner].Banned)
	case len(c.Nodes) > maxAccusedAtOnce:
		return nil, invalid("nodes", "%d are too many at once, at most %d", len(c.Nodes), maxAccusedAtOnce)
	}
	for _, id := range c.Nodes {
		if n := s.Nodes[id]; n != nil && n.Role != Coordinator && s.counts(by, n.Owner) {
			heard = append(heard, id)
		}
	}
	return heard, nil
}

// counts says whether a report by a node changes what is known of an owner.
func (s *State) counts(by *Node, accused OwnerID) bool {
	o := s.Owners[accused]
	if o == nil || accused == by.Owner || accused == OperatorOwner || o.Banned != "" {
		return false
	}
	said := slices.ContainsFunc(o.Accusers, func(a Accuser) bool { return a.Owner == by.Owner && !s.faded(a) })
	return by.Role == Coordinator || !said && s.accusedBy(by.Owner) < maxAccused
}

func (s *State) hearAccusation(h *hearing, by *Node, accused OwnerID) {
	o := s.Owners[accused]
	if !s.counts(by, accused) {
		return // what was heard of another node of his was enough
	}
	if by.Role == Coordinator {
		s.ban(h, accused, "sent wrong bytes to a coordinator")
		return
	}
	o.Accusers = slices.DeleteFunc(o.Accusers, s.faded)
	o.Accusers = append(o.Accusers, Accuser{by.Owner, s.Now})
	if len(o.Accusers) < enoughAccusers {
		return
	}
	var names []string
	for _, a := range o.Accusers {
		names = append(names, string(a.Owner))
	}
	slices.Sort(names)
	s.ban(h, accused, fmt.Sprintf("sent wrong bytes to %s", strings.Join(names, " and ")))
}

// faded tells whether a report counts no more: it is old, or its owner is banned
// himself.
func (s *State) faded(a Accuser) bool { return a.At.Add(accusationLife) <= s.Now || s.banned(a.Owner) }

// accusedBy counts whom an owner has named.
func (s *State) accusedBy(id OwnerID) (n int) {
	for _, o := range s.Owners {
		if slices.ContainsFunc(o.Accusers, func(a Accuser) bool { return a.Owner == id && !s.faded(a) }) {
			n++
		}
	}
	return n
}
