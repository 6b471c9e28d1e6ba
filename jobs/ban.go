package jobs

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"
)

// blame is the first vote of an owner that was outvoted in a hearing.
type blame struct {
	job    JobID
	task   Index
	proven bool
}

// steadfast is how many checks an owner must have survived for one mismatch to
// be taken for an accident: a bad memory module errs now and then.
const steadfast = 1000

// punish is the rule for owners whose results were outvoted. One that was proven
// wrong is banned, unless it is steadfast: then it starts again as a newcomer,
// whose every result needs checking, and in steady jobs nothing rests on its word any more. A fixed quorum proves less, see misbehaves.
func (s *State) punish(h *hearing, id OwnerID, b blame) {
	o := s.Owners[id]
	switch {
	case o.Banned != "":
	case b.proven && o.Checks < steadfast:
		s.ban(h, id, fmt.Sprintf("outvoted on task %d of %s", b.task, b.job))
	case b.proven:
		s.mistrust(h, id, b)
	case o.misbehaves():
		s.ban(h, id, fmt.Sprintf("%d of %d results outvoted", o.Outvoted, o.Agreed+o.Outvoted))
	}
}

// misbehaves is the rule by which a fixed quorum bans an owner: at least three of
// its votes, and at least a tenth of them, were outvoted. A single
// stray mismatch among good votes (a bad memory module) does not ban.
func (o *Owner) misbehaves() bool {
	return o.Outvoted >= 3 && 10*o.Outvoted >= o.Agreed+o.Outvoted
}

func (s *State) mistrust(h *hearing, id OwnerID, b blame) {
	o := s.Owners[id]
	o.Doubts++
	s.event(s.Jobs[b.job], EventDoubted, id, fmt.Sprintf("%s is trusted like a newcomer now: outvoted on task %d after %d checks survived", id, b.task, o.Checks))
	o.Checks = 0
	for _, jobID := range slices.Clone(s.Running()) {
		if s.Jobs[jobID].steady() {
			s.strikeAll(h, jobID, id)
		}
	}
}

// ban voids an owner's leases and votes in all running jobs. What rested on its
// word is judged again without it, and so are all open tasks, since fewer liars are
// left to fear.
func (s *State) ban(h *hearing, id OwnerID, why string) {
	o := s.Owners[id]
	o.Banned, o.Credit, o.Fuel = why, 0, FuelSum{}
	s.cuts++
	s.note(h.by, ActOwnerBanned, string(id), why)
	if o.works {
		s.bannedCrew++
	}
	for _, jobID := range slices.Clone(s.Running()) {
		j := s.Jobs[jobID]
		s.event(j, EventBanned, id, fmt.Sprintf("%s is banned: %s", id, why))
		s.strikeAll(h, jobID, id)
	}
}

// strikeAll strikes out an owner in a job.
func (s *State) strikeAll(h *hearing, jobID JobID, id OwnerID) {
	j := s.Jobs[jobID]
	for place := Place(0); place < j.Next && j.State == JobRunning; place++ {
		if j.Open[place] != nil || s.tookPart(j, place, id) {
			s.strike(h, jobID, place, id)
		}
	}
}

// tookPart says whether an owner runs or has run a task of a running job.
func (s *State) tookPart(j *Job, place Place, id OwnerID) bool {
	if t := j.task(place); t != nil {
		return slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.Owner == id && a.State != AttemptVoid })
	}
	for number := range j.tried(place) {
		if s.Nodes[s.Numbered[number-1]].Owner == id {
			return true
		}
	}
	return false
}

// strike makes an owner's attempts at a task count nowhere.
func (s *State) strike(h *hearing, jobID JobID, place Place, owner OwnerID) {
	s.rejudge(h, jobID, place, func(t *Task) {
		for i := range t.Attempts {
			a := &t.Attempts[i]
			if a.Owner != owner {
				continue
			}
			if a.State == AttemptRunning || a.State == AttemptSilent {
				s.endLease(a, AttemptVoid, "its owner was banned")
			}
			s.retract(s.Jobs[jobID], a)
			if a.State != AttemptOutvoted {
				a.State = AttemptVoid // killed and lost ones no longer count against the task
			}
		}
	})
}

func (s *State) banned(id OwnerID) bool {
	o := s.Owners[id]
	return o != nil && o.Banned != ""
}

// BannedNode says why a node may not take part, or "". A ban leaves an owner's
// coordinators in: they are run by the grid's operators, and without them its results
// are nowhere safe.
func (s *State) BannedNode(id NodeID) string {
	n := s.Nodes[id]
	if n == nil || n.Role == Coordinator || s.Owners[n.Owner] == nil {
		return ""
	}
	return s.Owners[n.Owner].Banned
}

const (
	// enoughAccusers is how many owners must have caught one serving wrong bytes
	// before it is banned for it: a lone report may be a lie.
	enoughAccusers = 2
	// accusationLife is how long a report counts.
	accusationLife = 30 * 24 * time.Hour
	// maxAccused is how many owners one owner may have named at a time, so that
	// reports cannot fill the log or the state.
	maxAccused = 16
	// maxAccusedAtOnce bounds one command.
	maxAccusedAtOnce = 64
)

// Accuser is an owner that says it was sent wrong bytes.
type Accuser struct {
	Owner OwnerID `cbor:"1,keyasint"`
	At    Time    `cbor:"2,keyasint"`
}

// accuse notes who served wrong bytes to whom. What a coordinator has met itself gets an
// owner banned; the words of others do not, see convict for what does. By the rules
// before, two owners' words did. A report against the reporter itself, a coordinator, an operator,
// or an owner that is banned already changes nothing, and neither does one more than
// maxAccused.
func (s *State) accuse(c *AccusePeers) Outcome {
	heard, r := s.Heard(c)
	if r != nil {
		return rejected(r)
	}
	h := newHearing()
	if c.Proof != nil {
		s.convict(h, c.Proof)
	}
	for _, id := range heard {
		s.hearAccusation(h, s.Nodes[c.By], s.Nodes[id].Owner)
	}
	s.conclude(h)
	return Outcome{}
}

// Heard returns the accused about whom the report says something new, or why it is
// not heard at all.
func (s *State) Heard(c *AccusePeers) (heard []NodeID, r *Rejection) {
	by := s.Nodes[c.By]
	switch {
	case by == nil:
		return nil, reject(NotFound, "UNKNOWN_NODE", "node "+string(c.By), "is not of this grid")
	case s.ShutOut(c.By) != "":
		return nil, reject(Denied, "OWNER_BANNED", "owner "+string(by.Owner), "banned: %s", s.ShutOut(c.By))
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
	if s.can(VersionThinkers) {
		return by.Role == Coordinator
	}
	said := slices.ContainsFunc(o.Accusers, func(a Accuser) bool { return a.Owner == by.Owner && !s.faded(a) })
	return by.Role == Coordinator || !said && s.accusedBy(by.Owner) < maxAccused
}

func (s *State) hearAccusation(h *hearing, by *Node, accused OwnerID) {
	o := s.Owners[accused]
	if !s.counts(by, accused) {
		return // what was said of another node of the owner was enough
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

// faded tells whether a report no longer counts: it is old, or the reporter is banned
// by now.
func (s *State) faded(a Accuser) bool { return a.At.Add(accusationLife) <= s.Now || s.banned(a.Owner) }

// accusedBy counts the owners that an owner has named.
func (s *State) accusedBy(id OwnerID) (n int) {
	for _, o := range s.Owners {
		if slices.ContainsFunc(o.Accusers, func(a Accuser) bool { return a.Owner == id && !s.faded(a) }) {
			n++
		}
	}
	return n
}

// BanOwner bans an owner on behalf of an operator, whatever its results were worth, or
// lifts a ban, whoever it came from.
type BanOwner struct {
	Owner OwnerID `cbor:"1,keyasint"`
	By    NodeID  `cbor:"2,keyasint"`
	Why   string  `cbor:"3,keyasint,omitempty"`
	Lift  bool    `cbor:"4,keyasint,omitempty"`
}

func (s *State) banOwner(c *BanOwner) Outcome {
	o, by := s.Owners[c.Owner], s.Nodes[c.By]
	switch {
	case o == nil:
		return rejected(UnknownOwner(c.Owner))
	case len(c.Why) > MaxWhy:
		return rejected(invalid("reason", "it has %d bytes, more than %d", len(c.Why), MaxWhy))
	case c.Owner == OperatorOwner || by != nil && by.Owner == c.Owner:
		return rejected(reject(Denied, "OWN_OWNER", "owner "+string(c.Owner), "it runs this grid").next("remove single nodes of it: `anthill node rm`"))
	case c.Lift && o.Banned == "":
		return rejected(reject(Precondition, "NOT_BANNED", "owner "+string(c.Owner), "it is not banned"))
	case c.Lift:
		s.unban(c, o)
	case o.Banned == "":
		s.banFor(c)
	}
	return Outcome{Owner: c.Owner}
}

// banFor bans for an operator. What the owner has running ends: nobody else can end it.
func (s *State) banFor(c *BanOwner) {
	h := newHearing()
	h.by = c.By
	s.ban(h, c.Owner, cmp.Or(c.Why, "by an operator"))
	h.by = "" // what follows from it the rules do
	s.conclude(h)
	for _, id := range slices.Clone(s.Running()) {
		if j := s.Jobs[id]; j.Owner == c.Owner && j.State == JobRunning {
			s.finish(id, j, JobCancelled, "its owner was banned")
		}
	}
}

// unban lets an owner begin again as a newcomer: what it was believed for, or blamed
// for, counts no more.
func (s *State) unban(c *BanOwner, o *Owner) {
	o.Banned, o.Agreed, o.Outvoted, o.Checks, o.Accusers = "", 0, 0, 0, nil
	if s.can(VersionThinkers) {
		o.Proof, o.Pardoned = nil, s.Now
	}
	if o.works {
		s.bannedCrew--
	}
	s.cuts++
	s.note(c.By, ActOwnerUnbanned, string(c.Owner), c.Why)
	s.review()
}

// UnknownOwner is the rejection of what names an owner that the grid does not know.
func UnknownOwner(id OwnerID) *Rejection {
	return reject(NotFound, "UNKNOWN_OWNER", "owner "+string(id), "the grid has no owner of this name").next("list them with `anthill owner list`")
}
