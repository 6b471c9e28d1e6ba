package rpc

import (
	"math/bits"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/membership"
	"github.com/anthill-grid/anthill/internal/waits"
	"github.com/anthill-grid/anthill/jobs"
)

// awayTime is for how long a copy is waited for with a coordinator that is away, or whose
// disk is full: what is gone for longer may be so for ever.
const awayTime = time.Minute

// attendance tells with which coordinators copies count, by their bits in sets of holders.
type attendance struct {
	state *jobs.State
	// there are those that can take copies, and counted these and those that cannot only
	// since a moment.
	there, counted uint64
	absent         []absence
}

// absence is a coordinator that can take no copies.
type absence struct {
	bit   uint64
	name  string
	how   string // it left, failed or has a full disk
	full  bool
	since time.Time
}

// attendance is that of the coordinators now, as gossip has it.
func (s *Server) attendance(st *jobs.State) attendance {
	members := map[jobs.NodeID]membership.Member{s.cfg.Node: {Node: s.cfg.Node}} // which is there
	for _, m := range s.cfg.Heard() {
		members[m.Node] = m
	}
	return attend(st, members, s.began, time.Now())
}

// attend takes attendance. What gossip does not know has been away since it began.
func attend(st *jobs.State, members map[jobs.NodeID]membership.Member, began, now time.Time) attendance {
	a := attendance{state: st}
	for i, id := range st.Holders {
		if st.Nodes[id].Ended != nil {
			continue
		}
		bit := uint64(1) << i
		m, known := members[id]
		x := absence{bit: bit, name: waits.NodeName(st.Nodes[id].Owner, id), since: m.Since}
		switch {
		case !known:
			x.how, x.since = "was last heard of", began
		case m.Status == membership.Left:
			x.how = "left"
		case m.Status != membership.Alive:
			x.how = "was last heard of"
		case m.Full:
			x.how, x.full = "has a full disk", true
		default:
			a.there |= bit
			a.counted |= bit
			continue
		}
		a.absent = append(a.absent, x)
		if now.Sub(x.since) < awayTime {
			a.counted |= bit
		}
	}
	return a
}

// copies is how many of a set of holders count, and how many owners these have.
func (a attendance) copies(holders uint64) (copies, owners uint32) {
	holders &= a.counted
	return uint32(bits.OnesCount64(holders)), uint32(a.state.HolderOwners(holders))
}

// needed is how many copies are waited for, and with how many owners.
func (a attendance) needed() (copies, owners uint32) {
	c, o := a.state.NeededOf(a.counted)
	return uint32(c), uint32(o)
}

// wait is what those who hold something wait for until there are enough of them.
func (a attendance) wait(holders uint64, since jobs.Time) waits.Wait {
	have, owners := a.copies(holders)
	wantCopies, wantOwners := a.needed()
	if have >= wantCopies && owners >= wantOwners {
		return waits.Wait{}
	}
	lacking := a.counted &^ holders
	if have >= wantCopies { // then it is another owner that lacks
		lacking = a.ofOthers(lacking, holders&a.counted)
	}
	if active := lacking & a.there; active != 0 {
		return waits.Wait{Reason: waits.Copies, Whom: a.names(active), Since: since.Std()}
	}
	return a.waitForAbsent(lacking)
}

// ofOthers are those of a set whose owners have none in another.
func (a attendance) ofOthers(set, have uint64) (others uint64) {
	for i := range a.state.Holders {
		if bit := uint64(1) << i; set&bit != 0 && a.state.HolderOwners(have|bit) > a.state.HolderOwners(have) {
			others |= bit
		}
	}
	return others
}

// waitForAbsent waits for the one that has been away for the longest.
func (a attendance) waitForAbsent(lacking uint64) waits.Wait {
	var w waits.Wait
	for _, x := range a.absent {
		if x.bit&lacking == 0 || !w.Since.IsZero() && !x.since.Before(w.Since) {
			continue
		}
		w = waits.Wait{Reason: waits.CopiesAway, Whom: []string{x.name}, Detail: x.how, Since: x.since, Until: x.since.Add(awayTime)}
		if x.full {
			w.Reason, w.Detail = waits.CopiesFull, ""
		}
	}
	return w
}

func (a attendance) names(set uint64) (list []string) {
	for i, id := range a.state.Holders {
		if set&(1<<i) != 0 {
			list = append(list, waits.NodeName(a.state.Nodes[id].Owner, id))
		}
	}
	return list
}

// passedOver are those without a copy that are not waited for any more.
func (a attendance) passedOver(holders uint64) (list []string) {
	for _, x := range a.absent {
		if x.bit&(a.counted|holders) == 0 {
			list = append(list, x.text())
		}
	}
	slices.Sort(list)
	return list
}
