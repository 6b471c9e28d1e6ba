package jobs

import (
	"slices"

	"github.com/anthill-grid/anthill/internal/blob"
)

// ClosedTask is all that is kept of most tasks that have a result, or have failed.
type ClosedTask struct {
	_        struct{}      `cbor:",toarray"`
	Output   blob.Ref      // zero while the task is open; see outputOf where it has failed
	Holders  uint64        // coordinators that have the output
	Voters   [2]NodeNumber // the workers who voted for it, see State.Numbered; unless Job.Records or Job.Tries tell
	Sequence Sequence      // of its latest acceptance, in Order
	Fuel     uint64        // that it took
}

// vote is the accepted one; zero while the task is open, or if it was given up.
func (c *ClosedTask) vote() Vote {
	switch {
	case c.hopeless():
		return Vote{}
	case c.failed():
		return Vote{Failed: true, ExitCode: uint32(-1 - c.Output.Size), Fuel: c.Fuel}
	}
	return Vote{Output: c.Output, Fuel: c.Fuel}
}

func (c *ClosedTask) open() bool { return c.Output == blob.Ref{} }

// decided says whether there is an accepted vote: for a result, or for failing.
func (c *ClosedTask) decided() bool { return !c.open() && !c.hopeless() }

// accept makes a vote the task's result, or its way of failing.
func (s *State) accept(h *hearing, id JobID, place Place, v Vote) {
	j := s.Jobs[id]
	t, c := j.Open[place], &j.Closed[place]
	before := c.vote()
	if c.open() {
		before = t.Was
	}
	if before != (Vote{}) && before != v {
		j.Changed++
		h.changed[id] = append(h.changed[id], j.TaskAt(place))
	}
	s.empty(j, place)
	*c = ClosedTask{Output: outputOf(v), Fuel: v.Fuel}
	j.Fuel.add(v.Fuel)
	j.Progress = s.Now
	if v.Failed {
		j.Failed++
		return
	}
	j.Count++
	c.Sequence = Sequence(len(j.Order))
	j.Order = append(j.Order, place)
	j.Unheld[place] = t.voters(v)
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
// replication without a quorum, otherwise without any vote. That a task has failed is
// taken back as soon as it is not proven any more.
func (s *State) reopen(h *hearing, id JobID, place Place) {
	j := s.Jobs[id]
	t, c := j.Open[place], &j.Closed[place]
	if c.open() || !c.failed() && !j.Spec.Trust.Fixed() && len(t.voters(c.vote())) > 0 {
		return
	}
	t.Was = c.vote()
	s.empty(j, place)
	j.Reopened++
	h.reopened[id] = append(h.reopened[id], j.TaskAt(place))
}

// recall brings the record of a task back among the open ones.
func (s *State) recall(j *Job, place Place) *Task {
	t := j.task(place)
	if t == nil {
		t = s.remember(j, place)
	}
	delete(j.Records, place)
	delete(j.Tries, place)
	j.Open[place] = t
	return t
}

// remember is the record of a task of which only the voters were kept, or who tried it
// in vain.
func (s *State) remember(j *Job, place Place) *Task {
	t := &Task{}
	for number, state := range j.tried(place) {
		worker := s.Numbered[number-1]
		a := Attempt{Worker: worker, Owner: s.Nodes[worker].Owner, State: state}
		if state == AttemptVoted {
			a.Vote, a.Agreed = j.Closed[place].vote(), true
			if j.steady() {
				a.Seen = t.cast()
				a.Turn = a.Seen + 1
			}
		}
		t.Attempts = append(t.Attempts, a)
	}
	for i := range t.Attempts {
		a := &t.Attempts[i]
		a.Checked = a.State == AttemptVoted && t.checked(j, a)
	}
	return t
}

// shelve takes a task that has its result, and wants nothing more, from among
// the open ones.
func (s *State) shelve(j *Job, place Place) {
	t, c := j.Open[place], &j.Closed[place]
	idle := t.Running() == 0 && (j.State != JobRunning || !t.Disputed && (c.hopeless() || s.Judge(j, t).Want == 0))
	if c.open() || !idle {
		return
	}
	s.voidRunning(t) // the silent are not waited for
	delete(j.Open, place)
	j.unplan(place, t)
	c.Voters = [2]NodeNumber{}
	s.fold(j, place, t)
}

// plain says that there is nothing to tell of a task but the votes for its result, or
// that it came to nothing.
func (t *Task) plain() bool {
	outvoted := slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.State == AttemptOutvoted })
	return !outvoted && t.Lies == 0 && !t.Disputed && t.Was == Vote{}
}

// Supporters are the workers whose votes stand for the result of a closed task.
func (s *State) Supporters(j *Job, place Place) []NodeID {
	t := j.task(place)
	if t == nil {
		t = s.remember(j, place)
	}
	return t.voters(j.Closed[place].vote())
}
