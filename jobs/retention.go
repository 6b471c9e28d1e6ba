package jobs

import (
	"time"
)

// What is over is forgotten: finished jobs when their time is over or at their owner's
// word, tokens that let nobody in any more, and nodes that were not seen for long and that
// nothing refers to. The leader proposes it, and the state looks at each again. What owners
// have earned by forgotten jobs stays theirs.

const (
	// tokenGrace is for how long a token is kept that has expired: who comes too late is
	// told so.
	tokenGrace = 7 * 24 * time.Hour
	// nodeLife is how long a node must not have been seen. What it was seen by is written
	// down once in seenEvery.
	nodeLife  = 90 * 24 * time.Hour
	seenEvery = 24 * time.Hour
	// MaxForget bounds what one command forgets, and the nodes that one says were seen.
	MaxForget = 1000
	// MinRetain and MaxRetain bound for how long a finished job can be kept.
	MinRetain = time.Minute
	MaxRetain = 10 * 365 * 24 * time.Hour
)

// Forget forgets what is over. By is who asks for it, and may see to these jobs; empty: the
// leader, and their time must be over.
type Forget struct {
	By     NodeID    `cbor:"1,keyasint,omitempty"`
	Jobs   []JobID   `cbor:"2,keyasint,omitempty"`
	Tokens []TokenID `cbor:"3,keyasint,omitempty"`
	Nodes  []NodeID  `cbor:"4,keyasint,omitempty"`
}

// SeeNodes notes that nodes are there.
type SeeNodes struct {
	Nodes []NodeID `cbor:"1,keyasint"`
	// Certified are nodes that have a certificate of the authority with this number.
	Certified []NodeID `cbor:"110,keyasint,omitempty"`
	Authority uint64   `cbor:"111,keyasint,omitempty"`
}

// Retain is for how long a job is kept once it is finished.
func (s *State) Retain(j *Job) time.Duration {
	if j.Spec.Retain > 0 {
		return j.Spec.Retain
	}
	return time.Duration(s.Term(j.Owner, ItemRetain)) * time.Millisecond
}

// MayForget says why a node may not have a job forgotten now, or nil.
func (s *State) MayForget(by NodeID, id JobID) *Rejection {
	if r := s.MayControl(by, id); r != nil {
		return r
	}
	if !s.can(VersionStrangers) {
		return reject(Precondition, "OLD_COORDINATORS", "grid", "some of its coordinators are too old for it").next("upgrade them")
	}
	if s.Jobs[id].State == JobRunning {
		return reject(Precondition, "JOB_RUNNING", "job "+string(id), "it is not finished").next("cancel it first: `anthill cancel " + string(id) + "`")
	}
	return nil
}

func (s *State) forget(c *Forget) Outcome {
	for _, id := range c.Jobs {
		if c.By != "" {
			if r := s.MayForget(c.By, id); r != nil {
				return rejected(r)
			}
		}
	}
	for _, id := range c.Jobs {
		if j := s.Jobs[id]; j != nil && (c.By != "" || s.jobOver(j, s.Now)) {
			s.bookJob(j, -1)
			delete(s.Jobs, id)
		}
	}
	for _, id := range c.Tokens {
		if t := s.Tokens[id]; t != nil && t.over(s.Now) {
			delete(s.Tokens, id)
		}
	}
	s.dropNodes(c.Nodes)
	return Outcome{}
}

// Overdue is what the leader may have forgotten at a time, up to MaxForget of each.
func (s *State) Overdue(at Time) (c Forget) {
	if !s.can(VersionStrangers) {
		return c
	}
	for _, id := range sortedKeys(s.Jobs) {
		if len(c.Jobs) < MaxForget && s.jobOver(s.Jobs[id], at) {
			c.Jobs = append(c.Jobs, id)
		}
	}
	for id, t := range s.Tokens {
		if len(c.Tokens) < MaxForget && t.over(at) {
			c.Tokens = append(c.Tokens, id)
		}
	}
	oldest := s.oldestJob(at)
	for id, n := range s.Nodes {
		if len(c.Nodes) < MaxForget && s.nodeOver(n, at, oldest) {
			c.Nodes = append(c.Nodes, id)
		}
	}
	return c
}

// IsEmpty says that there is nothing to forget.
func (c *Forget) IsEmpty() bool { return len(c.Jobs)+len(c.Tokens)+len(c.Nodes) == 0 }

func (s *State) jobOver(j *Job, at Time) bool {
	return j.State != JobRunning && j.Finished.Add(s.Retain(j)) <= at
}

// over says whether a token lets nobody in any more, and has not for some time.
func (t *Token) over(at Time) bool { return t.Expires.Add(tokenGrace) <= at }

// lastSeen is when a node was seen last, give or take seenEvery.
func (n *Node) lastSeen() Time { return max(n.Seen, n.Admitted) }

// oldestJob is when the first of the jobs was submitted that are kept.
func (s *State) oldestJob(at Time) Time {
	oldest := at
	for _, j := range s.Jobs {
		oldest = min(oldest, j.Submitted)
	}
	return oldest
}

// nodeOver says whether a node was not seen for long, and nothing refers to it: only jobs
// do that were there when it was. Of those that run the grid or were thrown out of it
// none is forgotten: they would be let in again.
func (s *State) nodeOver(n *Node, at, oldestJob Time) bool {
	switch {
	case n.Role != Worker && n.Role != Submitter, n.Ended != nil && n.Ended.Revoked, s.banned(n.Owner):
		return false
	}
	seen := n.lastSeen()
	return seen.Add(nodeLife) <= at && seen.Add(2*seenEvery) < oldestJob
}

// dropNodes forgets nodes and, where they were the last ones of owners of whom there is
// nothing to know, these.
func (s *State) dropNodes(ids []NodeID) {
	owners, oldest := map[OwnerID]bool{}, s.oldestJob(s.Now)
	for _, id := range ids {
		if n := s.Nodes[id]; n != nil && s.nodeOver(n, s.Now, oldest) {
			delete(s.Nodes, id)
			owners[n.Owner] = true
			if n.Number > 0 {
				s.Numbered[n.Number-1] = "" // for the next worker
			}
		}
	}
	if len(owners) == 0 {
		return
	}
	has, works := map[OwnerID]bool{}, map[OwnerID]bool{}
	for _, n := range s.Nodes {
		has[n.Owner], works[n.Owner] = true, works[n.Owner] || n.Role == Worker
	}
	for owner := range owners {
		o := s.Owners[owner]
		if o.works && !works[owner] {
			o.works = false
			s.crew-- // nodes of banned owners stay
		}
		if !has[owner] && s.ownerOver(owner, o) {
			delete(s.Owners, owner)
		}
	}
	s.review() // fewer liars may be left to fear
}

// ownerOver says whether there is nothing to know of an owner without nodes.
func (s *State) ownerOver(id OwnerID, o *Owner) bool {
	if id == OperatorOwner || o.Banned != "" || o.Agreed+o.Outvoted+o.Credit > 0 || o.Doubts > 0 || o.Terms != nil || s.Account(id) != (Account{}) {
		return false
	}
	for _, t := range s.Tokens {
		if t.Owner == id {
			return false
		}
	}
	return true
}

// Unseen says whether it should be written down that a node is there.
func (s *State) Unseen(id NodeID) bool {
	n := s.Nodes[id]
	return n != nil && s.can(VersionStrangers) && n.lastSeen().Add(seenEvery) <= s.Now
}

func (s *State) see(c *SeeNodes) Outcome {
	for _, id := range c.Nodes {
		s.seen(id)
	}
	for _, id := range c.Certified {
		s.certified(id, c.Authority)
	}
	return Outcome{}
}

// seen notes that a node is there. Whatever has a job refer to a node does so: no job that
// was submitted long after a node was seen refers to it.
func (s *State) seen(id NodeID) {
	if s.Unseen(id) {
		s.Nodes[id].Seen = s.Now
	}
}

// seeAll is for the rules of before, which noted nobody.
func (s *State) seeAll() {
	for _, n := range s.Nodes {
		n.Seen = s.Now
	}
}

// release lets go of the results of a cancelled job.
func (s *State) release(j *Job) {
	if j.State != JobCancelled || !s.can(VersionStrangers) {
		return
	}
	j.Released = true
	for place := range j.Closed {
		j.Closed[place].Holders = 0
	}
}

func (s Spec) checkRetain() *Rejection {
	if s.Retain != 0 && (s.Retain < MinRetain || s.Retain > MaxRetain) {
		return invalid("retain", "%v is not between %v and ten years", s.Retain, MinRetain).next("leave it out for as long as the grid keeps jobs by itself")
	}
	return nil
}
