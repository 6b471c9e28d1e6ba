// Package electorate decides which coordinators vote: pure rules on what the leader knows
// of them. The leader takes one step at a time, see Next, and looks again.
//
// An odd number votes, five at most: an even one stands no more losses than the odd one
// below it, and two stand fewer than one. The others are spares. They follow the log, and
// take the place of a voter that is gone.
package electorate

import (
	"cmp"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// MaxVoters bounds how many vote: each write waits for most of them.
	MaxVoters = 5
	// steady is for how long a spare must have been up to date before it votes.
	steady = time.Second
	// vanished is for how long one must have been silent whose address another has: it
	// takes a moment to find out which of the two is there.
	vanished = 5 * time.Second
)

// Server is a coordinator in the raft group, as the leader knows it.
type Server struct {
	Node    jobs.NodeID
	Address string // HOST:PORT
	Votes   bool
	Leads   bool
	// Silent is for how long it has not answered; 0: it does.
	Silent time.Duration
	// Steady is for how long it has answered and been up to date.
	Steady time.Duration
	// Removed: the grid does not know it as a coordinator any more.
	Removed bool
}

// Act is what the leader does to one coordinator.
type Act uint8

// The acts. HandOver: it leads, and another has to before it can go.
const (
	None Act = iota
	Promote
	Demote
	Remove
	HandOver
)

// Step is what is to be done next, and why, for the log.
type Step struct {
	Act  Act
	Node jobs.NodeID
	Why  string
	// Phantom: the coordinator is not there any more, and another is in its place.
	Phantom bool
}

// Next is the next step, or one with Act None. A voter that has been silent for
// replaceAfter is gone for good if another can take its place.
func Next(servers []Server, replaceAfter time.Duration) Step {
	list := slices.Clone(servers)
	slices.SortFunc(list, func(a, b Server) int { return cmp.Compare(a.Node, b.Node) })
	e := electorate{list, replaceAfter}
	for _, rule := range []func() Step{e.removed, e.phantom, e.replaced, e.odd} {
		if step := rule(); step.Act != None {
			return step
		}
	}
	return Step{}
}

// Losses is how many more voters may be lost until no majority is left.
func Losses(servers []Server) int {
	voters, there := VotersWithout(servers, "")
	return max(0, there-(voters/2+1))
}

// VotersWithout counts the voters, and those of them that answer, leaving one out.
func VotersWithout(servers []Server, node jobs.NodeID) (voters, there int) {
	for _, s := range servers {
		if s.Votes && s.Node != node {
			voters++
			if s.Silent == 0 {
				there++
			}
		}
	}
	return voters, there
}

type electorate struct {
	servers      []Server
	replaceAfter time.Duration
}

// removed has those go that the grid has removed, once a majority would be left.
func (e electorate) removed() Step {
	for _, s := range e.servers {
		switch {
		case !s.Removed || s.Votes && !e.majorityWithout(s):
		case s.Leads && e.successor():
			return Step{Act: HandOver, Node: s.Node, Why: "it was removed from the grid"}
		case !s.Leads:
			return Step{Act: Remove, Node: s.Node, Why: "it was removed from the grid"}
		}
	}
	return e.makeRoom()
}

// makeRoom has a spare vote where a removed coordinator can go only then.
func (e electorate) makeRoom() Step {
	if !slices.ContainsFunc(e.servers, func(s Server) bool { return s.Removed }) {
		return Step{}
	}
	if spare, ok := e.spare(); ok {
		return Step{Act: Promote, Node: spare.Node, Why: "one that was removed from the grid still votes"}
	}
	return Step{}
}

// majorityWithout says whether, without a server, most of the voters answer.
func (e electorate) majorityWithout(gone Server) bool {
	voters, there := VotersWithout(e.servers, gone.Node)
	return there > voters/2
}

// successor says whether a voter can lead that stays.
func (e electorate) successor() bool {
	return slices.ContainsFunc(e.servers, func(s Server) bool { return s.Votes && !s.Leads && !s.Removed && s.Silent == 0 })
}

// phantom finds a coordinator that is silent, and where it was another answers: its disk
// was wiped, and it joined again.
func (e electorate) phantom() Step {
	for _, s := range e.servers {
		taken := slices.ContainsFunc(e.servers, func(o Server) bool { return o.Node != s.Node && o.Address == s.Address && o.Steady >= steady })
		if s.Silent >= vanished && taken && (!s.Votes || e.majorityWithout(s)) {
			return Step{Act: Remove, Node: s.Node, Why: "another coordinator is at its address", Phantom: true}
		}
	}
	return Step{}
}

// replaced removes a voter that is gone, if a spare can take its place, or if two are: then
// fewer stand more.
func (e electorate) replaced() Step {
	var gone []Server
	for _, s := range e.servers {
		if s.Votes && s.Silent >= e.replaceAfter && s.Silent > 0 {
			gone = append(gone, s)
		}
	}
	_, spare := e.spare()
	if len(gone) == 0 || !spare && len(gone) < 2 || !e.majorityWithout(gone[0]) {
		return Step{}
	}
	return Step{Act: Remove, Node: gone[0].Node, Why: "it has been silent for " + gone[0].Silent.Round(time.Second).String()}
}

// odd keeps the number of voters odd.
func (e electorate) odd() Step {
	voters, spares := 0, 0
	for _, s := range e.servers {
		switch {
		case s.Votes:
			voters++
		case s.ready():
			spares++
		}
	}
	spare, _ := e.spare()
	switch even := voters%2 == 0; {
	case even && spares > 0 && voters < MaxVoters:
		return Step{Act: Promote, Node: spare.Node, Why: "an odd number should vote"}
	case !even && spares > 1 && voters+2 <= MaxVoters:
		return Step{Act: Promote, Node: spare.Node, Why: "two more can vote"}
	case even && voters > 0:
		return e.surplus()
	}
	return Step{}
}

// surplus takes the vote of one, the most silent first, and the leader never.
func (e electorate) surplus() Step {
	var most *Server
	for i := range e.servers {
		s := &e.servers[i]
		if s.Votes && !s.Leads && (most == nil || s.Silent >= most.Silent) {
			most = s
		}
	}
	if most == nil || !e.majorityWithout(*most) {
		return Step{}
	}
	return Step{Act: Demote, Node: most.Node, Why: "an odd number should vote"}
}

// spare is the one that has been ready for longest.
func (e electorate) spare() (best Server, ok bool) {
	for _, s := range e.servers {
		if s.ready() && (!ok || s.Steady > best.Steady) {
			best, ok = s, true
		}
	}
	return best, ok
}

func (s Server) ready() bool { return !s.Votes && !s.Removed && s.Silent == 0 && s.Steady >= steady }
