package jobs

import (
	"math/bits"
	"strings"
)

// copiesWanted is how many coordinators must hold bytes, if there are so many, before
// they count as safe from the loss of any one of them.
const copiesWanted = 2

// CopiesNeeded is the number of coordinators that must hold bytes before they count as
// safe.
func (s *State) CopiesNeeded() int {
	there := 0
	for _, id := range s.Holders {
		if n := s.Nodes[id]; n.Ended == nil && !n.Away {
			there++
		}
	}
	return min(copiesWanted, there)
}

// NeededOf is how many of a set of coordinators must hold bytes before whoever brought
// them may leave, and how many owners these should have: one for each copy, if there are
// so many. Only what can still get a copy should be in the set.
func (s *State) NeededOf(set uint64) (copies, owners int) {
	copies = min(copiesWanted, bits.OnesCount64(set))
	return copies, min(copies, s.HolderOwners(set))
}

// copiesIn is how many copies a set of holders makes. One with a coordinator that is away
// may be gone for good, and counts for nothing until it is back.
func (s *State) copiesIn(holders uint64) int {
	if s.can(VersionThinkers) {
		for i, id := range s.Holders {
			if s.Nodes[id].Away {
				holders &^= 1 << i
			}
		}
	}
	return bits.OnesCount64(holders)
}

// HolderOwners is the number of owners of the coordinators in a set of holders: all
// copies with one owner can be lost with it.
func (s *State) HolderOwners(holders uint64) int {
	owners := map[OwnerID]bool{}
	for i, id := range s.Holders {
		if holders&(1<<i) != 0 {
			owners[s.Nodes[id].Owner] = true
		}
	}
	return len(owners)
}

// holderBit is the coordinator's bit in sets of holders, or 0. One that was removed from
// the grid holds nothing.
func (s *State) holderBit(id NodeID) uint64 {
	for i, h := range s.Holders {
		if h == id && s.Nodes[id].Ended == nil {
			return 1 << i
		}
	}
	return 0
}

// HolderBits is the set of these coordinators.
func (s *State) HolderBits(ids []NodeID) (set uint64) {
	for _, id := range ids {
		set |= s.holderBit(id)
	}
	return set
}

// Holds says whether a coordinator has confirmed that it holds a result.
func (s *State) Holds(j *Job, place Place, id NodeID) bool {
	return j.Closed[place].Holders&s.holderBit(id) != 0
}

// InputCopies is the number of coordinators that hold bundle and input.
func (j *Job) InputCopies() int { return bits.OnesCount64(j.InputHolders) }

// InputHolders are the coordinators that have confirmed to hold bundle and input.
func (s *State) InputHolders(j *Job) (list []NodeID) {
	for i, id := range s.Holders {
		if j.InputHolders&(1<<i) != 0 {
			list = append(list, id)
		}
	}
	return list
}

// HoldsInput says whether a coordinator has confirmed to hold bundle and input.
func (s *State) HoldsInput(j *Job, id NodeID) bool { return j.InputHolders&s.holderBit(id) != 0 }

func (s *State) confirm(c *ConfirmHeld) Outcome {
	bit := s.holderBit(c.Coordinator)
	if bit == 0 {
		return rejected(reject(Denied, "NOT_A_COORDINATOR", "node "+string(c.Coordinator.Short()), "only coordinators hold results"))
	}
	for _, h := range c.Missing {
		s.recompute(c, h)
	}
	if c.Lost {
		s.loseHeld(c, bit)
		return Outcome{}
	}
	for _, h := range c.Results {
		if j := s.Jobs[h.Job]; j != nil {
			s.confirmResults(h.Job, j, h.Sequences, bit)
		}
	}
	for _, id := range c.Inputs {
		if j := s.Jobs[id]; j != nil {
			j.InputHolders |= bit
		}
	}
	for _, l := range c.Lacked {
		s.lackInput(l)
	}
	for _, id := range c.Found {
		s.findInput(id)
	}
	for _, p := range c.Proven {
		s.prove(p)
	}
	for _, ref := range c.Sizes {
		s.settleSize(ref)
	}
	for _, id := range c.Blobs {
		if d := s.Datasets[id]; d != nil && d.Known {
			d.Holders |= bit
		}
	}
	for _, r := range c.Refused {
		if j := s.Jobs[r.Job]; j != nil && j.State == JobRunning {
			s.finish(r.Job, j, JobFailed, strings.ToValidUTF8(r.Reason[:min(len(r.Reason), MaxReason)], ""))
		}
	}
	return Outcome{}
}

func (s *State) confirmResults(id JobID, j *Job, sequences []Sequence, bit uint64) {
	for _, seq := range sequences {
		if int(seq) >= len(j.Order) || !j.Current(seq) {
			continue // copied, and replaced since
		}
		place := j.Order[seq]
		c := j.closed(place)
		c.Holders |= bit
		if s.copiesIn(c.Holders) >= s.CopiesNeeded() {
			delete(j.Unheld, place)
		}
	}
	s.finishIfDone(id)
}

// unholdScarce takes back that results are safe whose copies were enough only for a
// smaller group of coordinators, or while those were there that hold them.
func (s *State) unholdScarce() {
	for _, id := range s.running {
		j := s.Jobs[id]
		for seq, place := range j.Order {
			if _, already := j.Unheld[place]; !already && j.Current(Sequence(seq)) && s.copiesIn(j.Closed[place].Holders) < s.CopiesNeeded() {
				j.Unheld[place] = nil // the winners are forgotten, but a holder has the bytes
			}
		}
	}
}

// loseHeld takes back what a coordinator has confirmed to hold: its disk has lost it.
func (s *State) loseHeld(c *ConfirmHeld, bit uint64) {
	for _, h := range c.Results {
		if j := s.Jobs[h.Job]; j != nil {
			s.loseResults(j, h.Sequences, bit)
		}
	}
	for _, id := range c.Inputs {
		if j := s.Jobs[id]; j != nil {
			j.InputHolders &^= bit
		}
	}
	for _, id := range c.Blobs {
		if d := s.Datasets[id]; d != nil {
			d.lose(bit, s.Now)
		}
	}
}

func (s *State) loseResults(j *Job, sequences []Sequence, bit uint64) {
	for _, seq := range sequences {
		if int(seq) >= len(j.Order) || !j.Current(seq) {
			continue
		}
		place := j.Order[seq]
		c := j.closed(place)
		c.Holders &^= bit
		if _, already := j.Unheld[place]; !already && j.State == JobRunning && s.copiesIn(c.Holders) < s.CopiesNeeded() {
			j.Unheld[place] = nil // see Supporters
		}
	}
}
