package jobs

import (
	"fmt"
	"iter"
	"math"
	"slices"
	"strings"

	"github.com/anthill-grid/anthill/internal/blob"
)

// A task that has failed is closed like one with a result: by a vote for the way in
// which the program fails, which is proven, checked, taken back and charged like any
// other; or, where attempts only came to nothing, by being given up. The job goes on with
// the others, and fails at its end if more have failed than it allows.

// maxReasons bounds the failed tasks of a job of which it is kept why they failed: of
// the others only how.
const maxReasons = 100

// givenUp is the size of the output of a task that was given up. That of one on whose
// failure votes agree is below zero too: -1 for exit code 0, -2 for exit code 1.
const givenUp = math.MinInt64

// outputOf is what a closed task has for an accepted vote.
func outputOf(v Vote) blob.Ref {
	if v.Failed {
		return blob.Ref{Size: -1 - int64(v.ExitCode)}
	}
	return v.Output
}

// failed says whether the task was closed without a result.
func (c *ClosedTask) failed() bool { return c.Output.Size < 0 }

// hopeless says whether the task was closed without a vote.
func (c *ClosedTask) hopeless() bool { return c.Output.Size == givenUp }

// Try is an attempt of which little is kept.
type Try struct {
	_      struct{} `cbor:",toarray"`
	Worker NodeNumber
	State  AttemptState
}

// fail closes a task as failed. The job goes on, and fails at its end if it has more
// failed tasks than it allows.
func (s *State) fail(h *hearing, id JobID, place Place, v Verdict) {
	j := s.Jobs[id]
	if !s.can(VersionInput) {
		s.finish(id, j, JobFailed, fmt.Sprintf("task %d: %s", j.TaskAt(place), v.Reason))
		return
	}
	if v.Vote.Failed {
		s.decide(h, id, place, v.Vote)
	} else {
		s.giveUp(j, place)
	}
	s.explain(id, place, v.Reason)
}

// giveUp closes a task that no vote decides.
func (s *State) giveUp(j *Job, place Place) {
	t, c := j.Open[place], &j.Closed[place]
	t.Disputed = false
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptSilent {
			s.endLease(a, AttemptLost, a.Reason) // it goes on counting against the task
		}
	}
	s.voidRunning(t)
	if c.hopeless() {
		return
	}
	s.makeUp(t)
	s.empty(j, place)
	j.closed(place).Output.Size = givenUp
	j.Failed++
	j.Progress = s.Now
}

// makeUp takes back what it cost the owners to say that a task cannot be run.
func (s *State) makeUp(t *Task) {
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptKilled {
			s.Owners[a.Owner].revive()
		}
	}
}

// explain keeps why a task has failed, and ends the job if its program seems not to work:
// by the rules before, if more have failed than it allows.
func (s *State) explain(id JobID, place Place, reason string) {
	j := s.Jobs[id]
	if _, known := j.Reasons[place]; known {
		return
	}
	index, allowed := j.TaskAt(place), j.Spec.MayFail()
	told := len(j.Reasons) < maxReasons
	if told {
		s.keepReason(j, place, reason)
	}
	switch {
	case s.can(VersionThinkers) && (j.Failed <= allowed || !j.useless()):
		if told {
			s.tellFailed(j, index, allowed, reason)
		}
	case s.can(VersionThinkers):
		s.finish(id, j, JobFailed, j.whyFailed())
	case j.Failed > allowed && allowed == 0:
		s.finish(id, j, JobFailed, fmt.Sprintf("task %d: %s", index, reason))
	case j.Failed > allowed:
		s.finish(id, j, JobFailed, fmt.Sprintf("%d of %d tasks have failed, and allow_failed is %d; the last is task %d: %s", j.Failed, j.Total(), allowed, index, reason))
	case told:
		s.tellFailed(j, index, allowed, reason)
	}
}

func (s *State) tellFailed(j *Job, task Index, allowed int, reason string) {
	share := fmt.Sprintf(" (%d of %d that may)", j.Failed, allowed)
	if allowed == 0 {
		share = "" // the job fails, at its end
	}
	s.event(j, EventFailed, "", fmt.Sprintf("task %d has failed%s: %s", task, share, headline(reason)))
}

// enoughFailed is how many tasks must have failed, and none succeeded, until a job that
// allows fewer ends at once: its program does not work.
const enoughFailed = 16

func (j *Job) useless() bool { return j.Count == 0 && j.Failed >= enoughFailed }

// whyFailed says why a job has failed in which more tasks have than it allows.
func (j *Job) whyFailed() string {
	allowed := j.Spec.MayFail()
	text := fmt.Sprintf("%d of %d tasks have failed, and allow_failed is %d", j.Failed, j.Total(), allowed)
	first := j.FirstFailed(1) // none if those of which it was kept why have a result by now
	if len(first) == 0 {
		return text
	}
	reason := fmt.Sprintf("task %d: %s", first[0], j.Reasons[j.PlaceOf(first[0])])
	if allowed == 0 && j.Failed == 1 {
		return reason
	}
	return text + "; the first is " + reason
}

// keepReason leaves out the log of the guest where the owner's account has no room for it.
func (s *State) keepReason(j *Job, place Place, reason string) {
	if s.can(VersionStrangers) && int64(len(reason)) > s.left(j.Owner, ItemSpecs) {
		reason = ""
	}
	j.Reasons[place] = reason
	s.bookText(j, int64(len(reason)))
}

func (s *State) dropReason(j *Job, place Place) {
	s.bookText(j, -int64(len(j.Reasons[place])))
	delete(j.Reasons, place)
}

// headline is what happened, without the log of the guest.
func headline(reason string) string {
	line, _, _ := strings.Cut(reason, "\n")
	return strings.TrimSuffix(line, ":")
}

// empty takes back that a task is closed.
func (s *State) empty(j *Job, place Place) {
	c := &j.Closed[place]
	switch {
	case c.open():
		return
	case c.failed():
		j.Failed--
		s.dropReason(j, place)
	default:
		j.Count--
		delete(j.Unheld, place)
	}
	j.Fuel.subtract(c.Fuel)
	*j.closed(place) = ClosedTask{}
}

// Settled is the number of tasks that are closed, with or without a result.
func (j *Job) Settled() int { return j.Count + j.Failed }

// Failure is what there is to say of a task that has failed.
type Failure struct {
	Task Index
	// Voted: it fails in this way wherever it is run. Otherwise it was given up.
	Voted    bool
	ExitCode uint32 // of Voted
	Reason   string // for people; the first maxReasons of a job have one
}

// Failure tells of the task that is opened at a place, if it has failed.
func (j *Job) Failure(place Place) (f Failure, failed bool) {
	if place >= j.Next || !j.Closed[place].failed() {
		return Failure{}, false
	}
	v := j.Closed[place].vote()
	return Failure{Task: j.TaskAt(place), Voted: v.Failed, ExitCode: v.ExitCode, Reason: j.Reasons[place]}, true
}

// FirstFailed are up to n of the failed tasks of which it is kept why, in order.
func (j *Job) FirstFailed(n int) []Index {
	var list []Index
	for place := range j.Reasons {
		list = append(list, j.TaskAt(place))
	}
	slices.Sort(list)
	return list[:min(n, len(list))]
}

// fold keeps of a closed task what there is room for: it is not told of the rest.
func (s *State) fold(j *Job, place Place, t *Task) {
	c := &j.Closed[place]
	voters := t.voters(c.vote())
	switch {
	case !t.plain() || j.steady() && !t.orderly(c.vote()) || c.hopeless() && t.owners() > 0 || !c.failed() && len(voters) > len(c.Voters):
		t.shorten()
		j.Records[place] = t
	case c.failed() && len(voters) > len(c.Voters) || c.hopeless():
		j.Tries[place] = s.tries(t)
	default:
		for i, worker := range voters {
			j.closed(place).Voters[i] = s.Nodes[worker].Number
		}
	}
}

// tries are the attempts that count for or against a task.
func (s *State) tries(t *Task) (list []Try) {
	for i := range t.Attempts {
		switch a := &t.Attempts[i]; a.State {
		case AttemptVoted, AttemptKilled, AttemptLost:
			list = append(list, Try{Worker: s.Nodes[a.Worker].Number, State: a.State})
		}
	}
	return list
}

// shorten leaves of the reasons what happened, and the end of the log.
func (t *Task) shorten() {
	for i := range t.Attempts {
		t.Attempts[i].Reason = Shorten(t.Attempts[i].Reason, MaxReason)
	}
}

// Shorten cuts a reason to so many bytes: of one that holds a log its first line and
// the end of the log remain.
func Shorten(reason string, room int) string {
	if len(reason) <= room {
		return reason
	}
	line, log, found := strings.Cut(reason, "\n")
	if !found || len(line) > room/2 {
		return strings.ToValidUTF8(reason[:room], "")
	}
	log = log[len(log)-(room-len(line)-1):]
	if i := strings.IndexByte(log, '\n'); i >= 0 && i < len(log)/2 {
		log = log[i+1:]
	}
	return line + "\n" + strings.ToValidUTF8(log, "")
}

// tried are the attempts at a closed task without a record.
func (j *Job) tried(place Place) iter.Seq2[NodeNumber, AttemptState] {
	return func(yield func(NodeNumber, AttemptState) bool) {
		for _, try := range j.Tries[place] {
			if !yield(try.Worker, try.State) {
				return
			}
		}
		for _, number := range j.Closed[place].Voters {
			if number != 0 && !yield(number, AttemptVoted) {
				return
			}
		}
	}
}
