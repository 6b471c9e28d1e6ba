package jobs

import "github.com/anthill-grid/anthill/internal/blob"

// ClosedTask is all that is kept of most tasks that have a result.
type ClosedTask struct {
	_        struct{}      `cbor:",toarray"`
	Output   blob.Ref      // zero while the task is open
	Holders  uint64        // coordinators that have the output
	Voters   [2]NodeNumber // the workers who voted for it, see State.Numbered; unless Job.Records tells
	Sequence Sequence      // of its latest acceptance, in Order
	Fuel     uint64        // that it took
}

// vote is the accepted one; zero while the task is open.
func (c *ClosedTask) vote() Vote { return Vote{Output: c.Output, Fuel: c.Fuel} }

func (c *ClosedTask) open() bool { return c.Output.ID.IsZero() }

// accept makes a vote the task's result.
func (s *State) accept(h *hearing, id JobID, place Place, v Vote) {
	j := s.Jobs[id]
	t, c := j.Open[place], &j.Closed[place]
	before := c.vote()
	if c.open() {
		j.Count++
		before = t.Was
	}
	if before != (Vote{}) && before != v {
		j.Changed++
		h.changed[id] = append(h.changed[id], j.TaskAt(place))
	}
	j.Fuel.subtract(c.Fuel)
	j.Fuel.add(v.Fuel)
	*c = ClosedTask{Output: v.Output, Sequence: Sequence(len(j.Order)), Fuel: v.Fuel}
	j.Order = append(j.Order, place)
	j.Unheld[place] = t.voters(v)
	j.Progress = s.Now
}

// voters are the workers whose votes for v stand.
func (t *Task) voters(v Vote) []NodeID {
	var list []NodeID
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptVoted && a.Vote == v {
			list = append(list, a.Worker)
		}
	}
	return list
}

// reopen takes back a result that too few stand behind any more: under fixed
// replication without a quorum, otherwise without any vote.
func (s *State) reopen(h *hearing, id JobID, place Place) {
	j := s.Jobs[id]
	t, c := j.Open[place], &j.Closed[place]
	if c.open() || !j.Spec.Trust.Fixed() && len(t.voters(c.vote())) > 0 {
		return
	}
	t.Was = c.vote()
	j.Fuel.subtract(c.Fuel)
	*c = ClosedTask{}
	delete(j.Unheld, place)
	j.Count--
	j.Reopened++
	h.reopened[id] = append(h.reopened[id], j.TaskAt(place))
}

// recall brings the record of a task back among the open ones.
func (s *State) recall(j *Job, place Place) *Task {
	t := j.task(place)
	if t == nil {
		t = s.remember(&j.Closed[place])
	}
	delete(j.Records, place)
	j.Open[place] = t
	return t
}

// remember is the record of a task of which only the voters were kept.
func (s *State) remember(c *ClosedTask) *Task {
	t := &Task{}
	for _, v := range c.Voters {
		if v != 0 {
			worker := s.Numbered[v-1]
			t.Attempts = append(t.Attempts, Attempt{
				Worker: worker, Owner: s.Nodes[worker].Owner, State: AttemptVoted, Vote: c.vote(), Agreed: true,
			})
		}
	}
	for i := range t.Attempts {
		t.Attempts[i].Checked = t.owners() > 1
	}
	return t
}

// shelve takes a task that has its result, and wants nothing more, from among
// the open ones.
func (s *State) shelve(j *Job, place Place) {
	t, c := j.Open[place], &j.Closed[place]
	idle := t.Running() == 0 && (j.State != JobRunning || !t.Disputed && s.Judge(j, t).Want == 0)
	if c.open() || !idle {
		return
	}
	s.voidRunning(t) // the silent are not waited for
	delete(j.Open, place)
	c.Voters = [2]NodeNumber{}
	if !t.plain() {
		j.Records[place] = t
		return
	}
	for i, worker := range t.voters(c.vote()) {
		c.Voters[i] = s.Nodes[worker].Number
	}
}

// plain says that there is nothing to tell of a task but the one or two votes
// for its result.
func (t *Task) plain() bool {
	votes := 0
	for i := range t.Attempts {
		switch t.Attempts[i].State {
		case AttemptVoted:
			votes++
		case AttemptOutvoted:
			return false
		}
	}
	return votes <= 2 && t.Lies == 0 && !t.Disputed && t.Was == Vote{}
}

// Supporters are the workers whose votes stand for the result of a closed task.
func (s *State) Supporters(j *Job, place Place) []NodeID {
	t := j.task(place)
	if t == nil {
		t = s.remember(&j.Closed[place])
	}
	return t.voters(j.Closed[place].vote())
}
