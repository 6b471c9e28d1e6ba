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
	reopened, changed map[JobID][]uint32 // tasks by their index
}

// blame is the first vote of an owner that was outvoted in a hearing.
type blame struct {
	job    JobID
	task   uint32
	proven bool
}

func newHearing() *hearing {
	return &hearing{
		blamed: map[OwnerID]blame{}, touched: map[JobID]bool{},
		reopened: map[JobID][]uint32{}, changed: map[JobID][]uint32{},
	}
}

// settle judges an open task anew after its attempts changed. Its place must be
// out of the tally.
func (s *State) settle(h *hearing, id JobID, place uint32) {
	j := s.Jobs[id]
	t := j.Open[place]
	h.touched[id] = true
	switch v := s.Judge(j, t); v.Kind {
	case Agreed:
		s.decide(h, id, place, v.Vote)
	case Failed:
		s.finish(id, j, JobFailed, fmt.Sprintf("task %d: %s", j.TaskAt(place), v.Reason))
		return
	case Disputed:
		s.dispute(j, place)
		s.reopen(h, id, place)
	case Pending:
		t.Disputed = false
		s.reopen(h, id, place)
	}
	s.shelve(j, place)
}

func (s *State) dispute(j *Job, place uint32) {
	if t := j.Open[place]; !t.Disputed {
		t.Disputed = true
		j.Disputes++
		s.event(j, EventDisputed, "", fmt.Sprintf("task %d: the results disagree, asking further workers", j.TaskAt(place)))
	}
}

// decide accepts a vote as the task's result, for the first time or once more,
// and counts who was for it and who against.
func (s *State) decide(h *hearing, id JobID, place uint32, v Vote) {
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
	if c := &j.Closed[place]; c.open() || c.vote() != v {
		s.accept(h, id, place, v)
	}
	if j.Spec.Trust.Fixed() {
		s.voidRunning(t)
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
// that each of them has survived.
func (s *State) acknowledge(j *Job, t *Task) {
	checked := t.owners() > 1
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
		switch {
		case checked && !a.Checked:
			o.Checks++
		case !checked && a.Checked:
			o.Checks -= min(1, o.Checks)
		}
		a.Checked = checked
	}
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

// owners is the number of owners whose votes stand.
func (t *Task) owners() int {
	var list []OwnerID
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptVoted && !slices.Contains(list, a.Owner) {
			list = append(list, a.Owner)
		}
	}
	return len(list)
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

// review judges what is open anew: what is thought of an owner has changed, or
// how many liars are to be feared.
func (s *State) review() {
	h := newHearing()
	for _, id := range slices.Clone(s.Running()) {
		j := s.Jobs[id]
		for _, place := range j.OpenTasks() {
			if j.State == JobRunning {
				s.discount(j, place)
				s.settle(h, id, place)
				s.count(j, place)
			}
		}
	}
	s.conclude(h)
}

// steadfast is how many checks an owner must have survived for one mismatch to
// be taken for an accident: a bad memory module errs now and then.
const steadfast = 1000

// punish is the rule for those whose results were outvoted. Who was proven
// wrong is banned, unless he is steadfast: then he begins anew, as a newcomer
// whose every result wants checking. A fixed quorum proves less: it takes
// three results, and one of ten.
func (s *State) punish(h *hearing, id OwnerID, b blame) {
	o := s.Owners[id]
	switch {
	case o.Banned != "":
	case b.proven && o.Checks < steadfast:
		s.ban(h, id, fmt.Sprintf("outvoted on task %d of %s", b.task, b.job))
	case b.proven:
		s.mistrust(id, b)
	case o.misbehaves():
		s.ban(h, id, fmt.Sprintf("%d of %d results outvoted", o.Outvoted, o.Agreed+o.Outvoted))
	}
}

func (s *State) mistrust(id OwnerID, b blame) {
	o := s.Owners[id]
	o.Doubts++
	s.event(s.Jobs[b.job], EventDoubted, id, fmt.Sprintf("%s is trusted like a newcomer now: outvoted on task %d after %d checks survived", id, b.task, o.Checks))
	o.Checks = 0
}

// ban voids an owner's leases and votes in all running jobs. What rested on his
// word is judged again without it, and what is open since there are fewer liars
// left to fear.
func (s *State) ban(h *hearing, id OwnerID, why string) {
	o := s.Owners[id]
	o.Banned, o.Credit, o.Fuel = why, 0, FuelSum{}
	if o.works {
		s.bannedCrew++
	}
	for _, jobID := range slices.Clone(s.Running()) {
		j := s.Jobs[jobID]
		s.event(j, EventBanned, id, fmt.Sprintf("%s is banned: %s", id, why))
		for place := uint32(0); place < j.Next && j.State == JobRunning; place++ {
			if j.Open[place] != nil || s.tookPart(j, place, id) {
				s.strike(h, jobID, place, id)
			}
		}
	}
}

// tookPart says whether an owner runs or has run a task of a running job.
func (s *State) tookPart(j *Job, place uint32, id OwnerID) bool {
	if t := j.task(place); t != nil {
		return slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.Owner == id && a.State != AttemptVoid })
	}
	for _, v := range j.Closed[place].Voters {
		if v != 0 && s.Nodes[s.Numbered[v-1]].Owner == id {
			return true
		}
	}
	return false
}

// strike makes an owner's attempts at a task count nowhere.
func (s *State) strike(h *hearing, jobID JobID, place uint32, owner OwnerID) {
	j := s.Jobs[jobID]
	s.discount(j, place)
	t := s.recall(j, place)
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if a.Owner != owner {
			continue
		}
		if a.State == AttemptRunning {
			s.endLease(a, AttemptVoid, "its owner was banned")
		}
		s.retract(j, a)
		if a.State != AttemptOutvoted {
			a.State = AttemptVoid // those that were killed or lost count against the task no more
		}
	}
	s.settle(h, jobID, place)
	s.count(j, place)
}

// listTasks is "result 7 is" or "results 3, 7 and 9 are", for at most ten.
func listTasks(tasks []uint32) string {
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
