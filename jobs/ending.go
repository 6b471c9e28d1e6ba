package jobs

import (
	"fmt"
	"strings"
)

// finish ends a job and voids its leases.
func (s *State) finish(id JobID, j *Job, state JobState, reason string) {
	j.State, j.Reason, j.Finished = state, reason, s.Now
	for _, place := range j.OpenTasks() {
		s.voidRunning(j.Open[place])
		s.shelve(j, place)
	}
	for place, t := range j.Open {
		t.shorten()
		j.Records[place] = t // without a result: what was tried is worth knowing
	}
	j.Open, j.tally, j.agenda = nil, newTally(), nil
	s.settleAccount(j)
	text := state.String()
	if reason != "" && s.can(VersionInput) {
		text += ": " + headline(reason)
	} else if reason != "" {
		text += ": " + reason
	}
	s.event(j, EventFinished, "", text)
	s.clearRunning(id)
}

// finishIfDone ends a job that has all results on enough disks, but those of tasks that
// may fail, and, where it was promised, the certainty that was asked for.
func (s *State) finishIfDone(id JobID) {
	j := s.Jobs[id]
	if j.State != JobRunning || j.Done()+j.Failed != j.Total() {
		return
	}
	if j.Failed > j.Spec.MayFail() {
		s.finish(id, j, JobFailed, j.whyFailed()) // checks would change little: each failure is proven
		return
	}
	if j.Spec.Trust.Fixed() {
		s.finish(id, j, JobSucceeded, "")
		return
	}
	if s.asking(j) && !j.Conceded {
		return
	}
	bound := ceil(s.Risk(j), Prob(j.Total()))
	if bound > j.aim() && !j.Conceded {
		return
	}
	j.Bound = bound
	if bound > j.Spec.Trust.MaxError {
		j.Short = fmt.Sprintf("an expected share of wrong results of %v was asked for, and %v was reached: every owner of a live worker has run every task that is in doubt. "+
			"Workers of further owners would help, or tokens with --prior for machines of your own", j.Spec.Trust.MaxError, bound)
	}
	s.finish(id, j, JobSucceeded, "")
}

// asking says whether a task waits for votes that may tell liars from honest
// owners.
func (s *State) asking(j *Job) bool {
	for place := range j.Restless {
		t := j.Open[place]
		if t.Disputed || t.Lies > 0 && t.Agreeing < probeRun && (len(s.timely(j, t)) > 0 || s.anyoneLeft(j, place)) {
			return true
		}
	}
	return false
}

// anyoneLeft says whether there is an owner whose workers were there when a lie
// about a task came out, and that has not had its turn at it.
func (s *State) anyoneLeft(j *Job, place Place) bool {
	t := j.Open[place]
	tried := map[OwnerID]bool{}
	for _, a := range t.Attempts {
		tried[a.Owner] = true
	}
	for id, n := range s.Nodes {
		if n.Role == Worker && !tried[n.Owner] && !s.banned(n.Owner) && s.WasThere(t, id) {
			return true
		}
	}
	return false
}

// WasThere says whether a worker was in the grid when the first lie about a
// task came out. Those who came later are not asked about it: they may be
// liars who return under fresh names, and there would be no end of them.
func (s *State) WasThere(t *Task, worker NodeID) bool { return s.Nodes[worker].Admitted <= t.Exposed }

// concede ends a job whose every task has been run by everybody.
func (s *State) concede(c *ConcedeJob) Outcome {
	j := s.Jobs[c.Job]
	switch {
	case j == nil:
		return rejected(UnknownJob(c.Job))
	case len(c.Tasks) > 0:
		return s.giveUpAll(c.Job, j, c.Tasks)
	case j.State != JobRunning || j.Spec.Trust.Fixed() || s.waits(j) || int(j.Next) < j.Total() || j.voteless():
		return rejected(reject(Precondition, "JOB_NOT_STUCK", "job "+string(c.Job), "it has not run out of workers to ask"))
	}
	h := newHearing()
	j.Conceded = true
	for _, place := range j.OpenTasks() {
		if j.State == JobRunning {
			s.voidRunning(j.Open[place])
			s.retally(j, place, func() { s.settleFor(h, c.Job, place) })
		}
	}
	h.touched[c.Job] = true
	s.conclude(h)
	return Outcome{}
}

// giveUpAll closes the tasks that are forlorn, of those that are named, as failed.
func (s *State) giveUpAll(id JobID, j *Job, places []Place) Outcome {
	h := newHearing()
	for _, place := range places {
		if t := j.Open[place]; j.State == JobRunning && t != nil && s.forlorn(t) {
			b := count(t.Attempts)
			s.retally(j, place, func() {
				s.fail(h, id, place, Verdict{Kind: Failed, Reason: b.whyHopeless(j.Spec.Trust, t.Attempts)})
				s.shelve(j, place)
			})
		}
	}
	s.conclude(h)
	return Outcome{}
}

// waits says whether a job may still get votes from attempts that run. One that takes
// longer than a guest may run, because its worker is paused or says so, is not waited
// for.
func (s *State) waits(j *Job) bool {
	limit := j.longest()
	for _, t := range j.Open {
		for i := range t.Attempts {
			if a := &t.Attempts[i]; a.State == AttemptRunning && s.Now-a.Started <= limit {
				return true
			}
		}
	}
	return false
}

// voteless says whether nobody has voted on some task: it may still be computed.
func (j *Job) voteless() bool {
	for _, t := range j.Open {
		if t.owners() == 0 {
			return true
		}
	}
	return false
}

// settleFor ends a dispute with what is most likely right. Its place must be out of
// the tally.
func (s *State) settleFor(h *hearing, id JobID, place Place) {
	j := s.Jobs[id]
	t := j.Open[place]
	lead, p := s.lead(t)
	reason := lead.first.Reason
	if lead.vote.Failed {
		reason = unsure(reason, p)
	}
	if lead.vote.Failed && !s.can(VersionInput) {
		s.finish(id, j, JobFailed, fmt.Sprintf("task %d: %s", j.TaskAt(place), reason))
		return
	}
	t.Disputed = false
	if c := &j.Closed[place]; c.open() || c.vote() != lead.vote {
		s.accept(h, id, place, lead.vote)
	}
	s.raiseDoubt(t, lead.vote)
	delete(j.Open, place)
	j.unplan(place, t)
	t.shorten()
	j.Records[place] = t
	if lead.vote.Failed {
		s.explain(id, place, reason)
	}
}

// unsure adds to a reason how likely it is right.
func unsure(reason string, p Prob) string {
	line, log, found := strings.Cut(reason, "\n")
	line += fmt.Sprintf(" (this is right with a probability of %v; too few workers to be surer)", p)
	if !found {
		return line
	}
	return line + "\n" + log
}

// raiseDoubt halves what is thought of those who are probably wrong.
func (s *State) raiseDoubt(t *Task, v Vote) {
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptVoted && a.Vote != v {
			o := s.Owners[a.Owner]
			o.Doubts++
			o.Checks /= 2
		}
	}
}
