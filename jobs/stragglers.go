package jobs

import (
	"math"
	"slices"
)

const (
	// lateFactor is how much longer than usual an attempt may take.
	lateFactor = 3
	// lateLeast is the time in milliseconds that every attempt is given.
	lateLeast = 10_000
)

// timely are the attempts at a task that go on and are not far behind: where
// one takes much longer than others did, another is asked for as well, once all
// tasks are begun. (Such backup tasks near the end cost little and cut the tail:
// Dean and Ghemawat, MapReduce, 2004, section 3.6.) Each further attempt is given
// twice the time, so that a task that is long itself is not given to everybody, and
// yet nobody can hold up a job by taking tasks and keeping them.
func (s *State) timely(j *Job, t *Task) (list []*Attempt) {
	patience := Time(math.MaxInt64)
	if int(j.Next) == j.Total() {
		patience = j.Patience()
	}
	for i := range t.Attempts {
		a := &t.Attempts[i]
		switch {
		case !a.underway():
		case s.Now-a.Started <= patience:
			list = append(list, a)
		case patience <= math.MaxInt64/2:
			patience *= 2
		}
	}
	return list
}

// Patience is how long the first attempt at a task of a job may take until it is
// late.
func (j *Job) Patience() Time {
	if j.Pace == 0 {
		return j.longest()
	}
	return min(max(lateLeast, lateFactor*Time(j.Pace.Milliseconds())), j.longest())
}

// longest is how long an attempt is waited for at most: as long as a guest may run.
func (j *Job) longest() Time { return max(lateLeast, Time(j.Spec.Limits.Time.Milliseconds())) }

// GoingOn is the number of attempts at a job's tasks that run and take no longer than
// usual: what stands still, or is kept by somebody, is not what the job's owner uses.
func (s *State) GoingOn(j *Job) (n int) {
	if j.agenda == nil {
		return 0
	}
	return j.agenda.going.since(s.Now - j.Patience())
}

// GoesOn says whether an attempt at a task runs that takes no longer than usual.
func (s *State) GoesOn(j *Job, t *Task) bool {
	patience := j.Patience()
	return slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.underway() && s.Now-a.Started <= patience })
}
