package jobs

import (
	"fmt"
	"slices"
	"strings"
)

// hearing collects what follows from the votes of one command, until all of
// them are in.
type hearing struct {
	blamed            map[OwnerID]blame
	touched           map[JobID]bool
	reopened, changed map[JobID][]Index
	by                NodeID // of the operator who bans; "": the rules do
}

func newHearing() *hearing {
	return &hearing{
		blamed: map[OwnerID]blame{}, touched: map[JobID]bool{},
		reopened: map[JobID][]Index{}, changed: map[JobID][]Index{},
	}
}

// rejudge changes the attempts at a task and judges it by what they are then. Every
// command that touches votes goes through it, so that the tally counts them once.
func (s *State) rejudge(h *hearing, id JobID, place Place, change func(t *Task)) {
	j := s.Jobs[id]
	s.retally(j, place, func() {
		change(s.recall(j, place))
		s.settle(h, id, place)
	})
}

// settle judges an open task, which must be out of the tally: see rejudge.
func (s *State) settle(h *hearing, id JobID, place Place) {
	j := s.Jobs[id]
	t := j.Open[place]
	h.touched[id] = true
	switch v := s.Judge(j, t); v.Kind {
	case Agreed:
		s.decide(h, id, place, v.Vote)
	case Failed:
		if s.fail(h, id, place, v); j.State != JobRunning {
			return
		}
	case Disputed:
		s.dispute(j, place)
		s.reopen(h, id, place)
	case Pending:
		t.Disputed = false
		s.reopen(h, id, place)
	}
	s.shelve(j, place)
}

func (s *State) dispute(j *Job, place Place) {
	if t := j.Open[place]; !t.Disputed {
		t.Disputed = true
		j.Disputes++
		s.event(j, EventDisputed, "", fmt.Sprintf("task %d: the results disagree, asking further workers", j.TaskAt(place)))
	}
}

// decide accepts a vote as the task's result, for the first time or once more,
// and counts the votes for it and against it.
func (s *State) decide(h *hearing, id JobID, place Place, v Vote) {
	j := s.Jobs[id]
	t := j.Open[place]
	t.Disputed = false
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptVoted && a.Vote != v {
			if t.Lies == 0 {
				j.tally.lies = append(j.tally.lies, place)
				t.Exposed = s.Now
			}
			s.outvote(j, t, a)
			h.blamed[a.Owner] = blame{id, j.TaskAt(place), !j.Spec.Trust.Fixed()}
		}
	}
	s.acknowledge(j, t)
	if !v.Failed {
		s.blameKilled(t)
	}
	if c := &j.Closed[place]; c.open() || c.vote() != v {
		s.accept(h, id, place, v)
	}
	if j.Spec.Trust.Fixed() {
		s.voidRunning(t)
	}
}

// blameKilled counts it against the workers where a task was killed at its limits that
// others have a result of. Until there is one, the task may be to blame: who asks for
// less time than it takes must not bring down the machines that try.
func (s *State) blameKilled(t *Task) {
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptKilled && !a.Stumbled && s.can(VersionInput) {
			a.Stumbled = true
			s.Nodes[a.Worker].stumble()
		}
	}
}

func (s *State) outvote(j *Job, t *Task, a *Attempt) {
	s.retract(j, a)
	a.State = AttemptOutvoted
	t.Lies++
	if s.WasThere(t, a.Worker) {
		t.Agreeing = 0
	}
	s.Owners[a.Owner].Outvoted++
	j.Attempts.Outvoted++
}

// acknowledge counts the votes that stand, all of which agree: as results that
// their owners are credited with and, where several owners agree, as a check
// survived, see checked.
func (s *State) acknowledge(j *Job, t *Task) {
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if a.State != AttemptVoted {
			continue
		}
		o := s.Owners[a.Owner]
		if !a.Agreed {
			a.Agreed = true
			o.Agreed++
			o.Credit++
			o.Fuel.add(a.Vote.Fuel)
			j.Attempts.Agreed++
			t.Agreeing++
		}
		checked := t.checked(j, a)
		switch {
		case checked && !a.Checked:
			o.Checks++
		case !checked && a.Checked:
			o.Checks -= min(1, o.Checks)
		}
		a.Checked = checked
	}
}

// checked says whether others have checked a vote that stands: each of several that agree,
// or, in steady jobs, the author's alone.
func (t *Task) checked(j *Job, a *Attempt) bool {
	return t.owners() > 1 && (!j.steady() || a == t.author(a.Vote))
}

// retract takes back what acknowledge counted.
func (s *State) retract(j *Job, a *Attempt) {
	o := s.Owners[a.Owner]
	if a.Agreed {
		o.Agreed--
		o.Credit -= min(1, o.Credit)
		o.Fuel.subtract(a.Vote.Fuel)
		j.Attempts.Agreed--
	}
	if a.Checked {
		o.Checks -= min(1, o.Checks)
	}
	a.Agreed, a.Checked = false, false
}

// conclude draws the consequences: owners are banned or doubted, watchers hear
// of results that are computed again, and jobs finish.
func (s *State) conclude(h *hearing) {
	for len(h.blamed) > 0 {
		id := sortedKeys(h.blamed)[0]
		b := h.blamed[id]
		delete(h.blamed, id)
		s.punish(h, id, b)
	}
	for _, id := range sortedKeys(h.reopened) {
		s.event(s.Jobs[id], EventReopened, "", listTasks(h.reopened[id])+" computed again: the word of somebody who lied stood behind it")
	}
	for _, id := range sortedKeys(h.changed) {
		s.event(s.Jobs[id], EventChanged, "", listTasks(h.changed[id])+" replaced: another result was accepted before")
	}
	for _, id := range slices.Clone(s.Running()) {
		s.finishIfDone(id) // trust that was earned in one job counts in all
	}
	for _, id := range sortedKeys(h.touched) {
		s.appraise(s.Jobs[id])
	}
}

// review judges all open tasks again: what is thought of an owner has changed, or
// how many liars are to be feared.
func (s *State) review() {
	h := newHearing()
	for _, id := range slices.Clone(s.Running()) {
		j := s.Jobs[id]
		for place := range j.Restless { // what is calm does not change
			if j.State == JobRunning {
				s.rejudge(h, id, place, func(*Task) {})
			}
		}
	}
	s.conclude(h)
}

// listTasks is "result 7 is" or "results 3, 7 and 9 are", for at most ten.
func listTasks(tasks []Index) string {
	slices.Sort(tasks)
	tasks = slices.Compact(tasks)
	if len(tasks) == 1 {
		return fmt.Sprintf("the result of task %d is", tasks[0])
	}
	var b strings.Builder
	for i, t := range tasks[:min(len(tasks), 10)] {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d", t)
	}
	if len(tasks) > 10 {
		b.WriteString(", ...")
	}
	return fmt.Sprintf("the results of %d tasks (%s) are", len(tasks), b.String())
}
