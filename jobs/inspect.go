package jobs

import "github.com/anthill-grid/anthill/internal/blob"

// TaskReport is what there is to say of one task.
type TaskReport struct {
	Verdict     string   // "untouched", "running", "accepted", "failed", "disputed" or "given up"
	Output      blob.Ref // the accepted result
	Credibility Prob     // that it is right, or that the task fails
	Reason      string   // why it has failed, if that is kept
	Groups      []VoteGroup
	Attempts    []TaskAttempt
}

// VoteGroup is what several attempts agree on.
type VoteGroup struct {
	Vote        Vote
	Credibility Prob
}

// TaskAttempt is one attempt of a report. Group is an index into the report's
// groups; of attempts that voted.
type TaskAttempt struct {
	Lease       LeaseID
	Worker      NodeID
	Owner       OwnerID
	State       AttemptState
	Group       int
	Reason      string
	Paused      bool // see Attempt
	Credibility Prob // of the owner
}

// Inspect tells everything about the task opened at a place. Of a task without
// a dispute, attempts that ended without a vote are forgotten once it is closed.
func (s *State) Inspect(j *Job, place Place) TaskReport {
	if place >= j.Next {
		return TaskReport{Verdict: "untouched"}
	}
	t, c := j.task(place), &j.Closed[place]
	if t == nil {
		t = s.remember(j, place)
	}
	r := TaskReport{Verdict: "running", Output: c.vote().Output}
	r.gather(s, t, c.vote(), c.decided())
	switch {
	case t.Disputed:
		r.Verdict = "disputed"
	case c.failed():
		r.Verdict, r.Reason = "failed", j.Reasons[place]
	case !c.open():
		r.Verdict = "accepted"
	case j.State != JobRunning:
		r.Verdict = "given up"
	}
	if c.decided() {
		r.Credibility = r.Groups[0].Credibility
	}
	return r
}

// gather puts the accepted group first.
func (r *TaskReport) gather(s *State, t *Task, accepted Vote, closed bool) {
	index := map[Vote]int{}
	if closed {
		r.join(index, accepted)
	}
	for i := range t.Attempts {
		a := &t.Attempts[i]
		line := TaskAttempt{Lease: a.Lease, Worker: a.Worker, Owner: a.Owner, State: a.State, Reason: a.Reason, Paused: a.Paused, Credibility: s.Credibility(a.Owner)}
		if a.Vote != (Vote{}) {
			line.Group = r.join(index, a.Vote)
		}
		r.Attempts = append(r.Attempts, line)
	}
	r.weigh(s, t)
}

func (r *TaskReport) join(index map[Vote]int, v Vote) int {
	if _, known := index[v]; !known {
		index[v] = len(r.Groups)
		r.Groups = append(r.Groups, VoteGroup{Vote: v})
	}
	return index[v]
}

// weigh gives each group its credibility by Bayes' rule, over the votes that
// stand.
func (r *TaskReport) weigh(s *State, t *Task) {
	b := count(t.Attempts)
	list := s.priors(b.groups)
	if len(b.groups) == 1 {
		for n, id := range b.groups[0].owners {
			list[0][n] = One - s.Credibility(id)
		}
	}
	for n, p := range Posterior(list) {
		for g := range r.Groups {
			if r.Groups[g].Vote == b.groups[n].vote {
				r.Groups[g].Credibility = p
			}
		}
	}
}
