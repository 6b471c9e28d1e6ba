package jobs

import (
	"fmt"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/blob"
)

// JobState is where a job is in its life.
type JobState uint8

// The states, in the order of the wire enum.
const (
	JobRunning JobState = iota + 1
	JobSucceeded
	JobFailed
	JobCancelled
)

// Job is a job and what became of its tasks so far. Tasks are opened in the
// order of their index: those below Next are open or closed, the rest are
// untouched and cost no memory.
type Job struct {
	Spec      Spec     `cbor:"1,keyasint"`
	Owner     OwnerID  `cbor:"2,keyasint"`
	Submitter NodeID   `cbor:"3,keyasint"`
	Provider  string   `cbor:"4,keyasint,omitempty"`
	State     JobState `cbor:"5,keyasint"`
	Reason    string   `cbor:"6,keyasint,omitempty"`
	Submitted Time     `cbor:"7,keyasint"`
	Finished  Time     `cbor:"8,keyasint,omitempty"`
	// Progress is when a result was last accepted.
	Progress Time `cbor:"9,keyasint,omitempty"`

	Next   uint32           `cbor:"10,keyasint"`
	Open   map[uint32]*Task `cbor:"11,keyasint,omitempty"`
	Closed []ClosedTask     `cbor:"12,keyasint,omitempty"` // by index, Next long
	// Order lists the places of tasks as their results were accepted. A task
	// that was reopened, or whose result changed, occurs again: see Current.
	Order []uint32 `cbor:"13,keyasint,omitempty"`
	// Unheld are the closed tasks that too few coordinators hold, with the
	// workers who have the bytes.
	Unheld map[uint32][]NodeID `cbor:"14,keyasint,omitempty"`
	// InputHolders is the set of coordinators that hold bundle and input.
	InputHolders uint64 `cbor:"15,keyasint,omitempty"`

	Attempts AttemptCounts `cbor:"16,keyasint"`
	Fetched  Traffic       `cbor:"17,keyasint"`
	Events   []Event       `cbor:"18,keyasint,omitempty"` // the last maxEvents
	EventSeq uint64        `cbor:"19,keyasint,omitempty"` // of the next event

	// Seed decides in which order the tasks are opened, see TaskAt.
	Seed uint64 `cbor:"20,keyasint,omitempty"`
	// Bound is the expected share of wrong results of a finished job, and
	// Short, where that is more than was asked for, what would help.
	Bound Prob   `cbor:"21,keyasint,omitempty"`
	Short string `cbor:"22,keyasint,omitempty"`
	// Disputes, Reopened and Changed count what happened to tasks.
	Disputes uint64 `cbor:"23,keyasint,omitempty"`
	Reopened uint64 `cbor:"24,keyasint,omitempty"`
	Changed  uint64 `cbor:"25,keyasint,omitempty"`

	// Count is the number of tasks that have an accepted result.
	Count int `cbor:"26,keyasint,omitempty"`
	// Kept are the closed tasks of which there is more to tell than who agreed:
	// more than two votes, or votes for something else.
	Kept map[uint32]*Task `cbor:"27,keyasint,omitempty"`
	// Conceded: nobody is left to ask, the job ends with the bound it has.
	Conceded bool `cbor:"28,keyasint,omitempty"`
	// Pace is how long an attempt takes that ends with a vote: a moving average.
	Pace time.Duration `cbor:"29,keyasint,omitempty"`
	// Fuel is what the accepted results took.
	Fuel FuelSum `cbor:"40,keyasint"`

	tally *tally
}

// ClosedTask is all that is kept of most tasks that have a result.
type ClosedTask struct {
	_        struct{}  `cbor:",toarray"`
	Output   blob.Ref  // zero while the task is open
	Holders  uint64    // coordinators that have the output
	Voters   [2]uint32 // the workers who voted for it, see State.Numbered; unless Kept tells
	Sequence uint32    // of its latest acceptance, in Order
	Fuel     uint64    // that it took
}

// vote is the accepted one; zero while the task is open.
func (c *ClosedTask) vote() Vote { return Vote{Output: c.Output, Fuel: c.Fuel} }

func (c *ClosedTask) open() bool { return c.Output.ID.IsZero() }

// AttemptCounts counts attempts by how they ended.
type AttemptCounts struct {
	Started  uint64 `cbor:"1,keyasint"`
	Agreed   uint64 `cbor:"2,keyasint,omitempty"`
	Outvoted uint64 `cbor:"3,keyasint,omitempty"`
	Killed   uint64 `cbor:"4,keyasint,omitempty"`
	Lost     uint64 `cbor:"5,keyasint,omitempty"`
	Extra    uint64 `cbor:"6,keyasint,omitempty"` // of Started: not a task's first
}

// Task is a task and the attempts at it.
type Task struct {
	Attempts []Attempt `cbor:"1,keyasint"`
	Disputed bool      `cbor:"2,keyasint,omitempty"`
	// Lies counts the votes that were proven wrong, Exposed is when the first of
	// them was, and Agreeing counts the votes that were right since the last one
	// by somebody who was there then.
	Lies     uint32 `cbor:"3,keyasint,omitempty"`
	Agreeing uint32 `cbor:"4,keyasint,omitempty"`
	Exposed  Time   `cbor:"6,keyasint,omitempty"`
	// Was is the result that was accepted before the task was reopened.
	Was Vote `cbor:"5,keyasint"`
}

// AttemptState is where an attempt is in its life.
type AttemptState uint8

// The states of an attempt.
const (
	AttemptRunning  AttemptState = iota + 1
	AttemptVoted                 // it reported a result or a failure
	AttemptKilled                // ended by the host at a limit: no vote
	AttemptLost                  // no result
	AttemptVoid                  // its owner was banned
	AttemptOutvoted              // it voted, and a proven group said otherwise
)

// Attempt is one worker's try at a task.
type Attempt struct {
	Lease   LeaseID      `cbor:"1,keyasint"`
	Worker  NodeID       `cbor:"2,keyasint"`
	Owner   OwnerID      `cbor:"3,keyasint"`
	State   AttemptState `cbor:"4,keyasint"`
	Vote    Vote         `cbor:"5,keyasint"`
	Reason  string       `cbor:"6,keyasint,omitempty"`
	Expires Time         `cbor:"7,keyasint"`
	Started Time         `cbor:"8,keyasint,omitempty"`
	// Agreed and Checked: it is counted among its owner's votes for accepted
	// results, and among the checks that he survived.
	Agreed  bool `cbor:"9,keyasint,omitempty"`
	Checked bool `cbor:"10,keyasint,omitempty"`
	// Paused: it runs, but its worker has been paused for so long that others are
	// asked as if it did not. It keeps its lease, and counts again when it goes on.
	Paused bool `cbor:"11,keyasint,omitempty"`
}

// underway says whether an attempt runs and does not stand still.
func (a *Attempt) underway() bool { return a.State == AttemptRunning && !a.Paused }

// Total is the number of the job's tasks.
func (j *Job) Total() int { return int(j.Spec.Input.Tasks()) }

// Done is the number of tasks whose results are accepted and safe.
func (j *Job) Done() int { return j.Count - len(j.Unheld) }

// Accepted is the number of tasks that have an accepted result.
func (j *Job) Accepted() int { return j.Count }

// Current says whether an entry of Order is its task's latest, and the task has
// not been reopened since.
func (j *Job) Current(sequence uint32) bool {
	c := &j.Closed[j.Order[sequence]]
	return !c.open() && c.Sequence == sequence
}

// Disputed is the number of tasks whose votes disagree, undecided so far.
func (j *Job) Disputed() int {
	n := 0
	for _, t := range j.Open {
		if t.Disputed {
			n++
		}
	}
	return n
}

// task is the record of a task's attempts, or nil if there is none but who
// voted for its result.
func (j *Job) task(place uint32) *Task {
	if t := j.Open[place]; t != nil {
		return t
	}
	return j.Kept[place]
}

// Running is the number of attempts under way.
func (j *Job) Running() int {
	n := 0
	for _, t := range j.Open {
		n += t.Running()
	}
	return n
}

// Paused is the number of attempts that run, and stand still for long.
func (j *Job) Paused() int {
	n := 0
	for _, t := range j.Open {
		n += t.paused()
	}
	return n
}

// OpenTasks are the indices of the open tasks, in order.
func (j *Job) OpenTasks() []uint32 { return sortedKeys(j.Open) }

// Running is the number of attempts under way.
func (t *Task) Running() int {
	n := 0
	for i := range t.Attempts {
		if t.Attempts[i].State == AttemptRunning {
			n++
		}
	}
	return n
}

// paused is the number of attempts that run, and stand still for long.
func (t *Task) paused() int {
	n := 0
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptRunning && a.Paused {
			n++
		}
	}
	return n
}

// maxOwnerLost is how often an owner may lose a task before it goes to others
// first: a broken worker must not use up all of maxLost alone.
const maxOwnerLost = 3

// MayAttempt says whether a worker may get a task. Nobody votes twice on a
// task; an owner tries it again only where repeat says that no other is left:
// after attempts without a vote or, under fixed replication, with another node.
// There is an end to that: else a task that one owner votes on, and whose bundle
// all others refuse, would be tried for ever.
// Then he may also take over, by another worker, what stands still for long.
func (j *Job) MayAttempt(t *Task, worker NodeID, owner OwnerID, repeat bool) bool {
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if repeat && a.Paused && a.State == AttemptRunning && a.Worker != worker {
			continue
		}
		same := a.Worker == worker || a.Owner == owner && !j.Spec.Trust.Fixed()
		if same && (a.State == AttemptRunning || a.State == AttemptVoted || a.State == AttemptOutvoted) {
			return false
		}
	}
	return !t.Tried(owner) || repeat && (j.Spec.Trust.Fixed() || !t.inVain())
}

// inVain says whether so many attempts came to no vote that further ones by the
// same owners are not worth it.
func (t *Task) inVain() bool {
	b := count(t.Attempts)
	return b.killed >= maxKilled || b.lost >= maxLost
}

// Tried says whether an owner has had his turn at a task: an attempt that
// runs, voted or was killed, or several that were lost.
func (t *Task) Tried(owner OwnerID) bool {
	lost := 0
	for i := range t.Attempts {
		a := &t.Attempts[i]
		switch {
		case a.Owner != owner || a.State == AttemptVoid:
		case a.State == AttemptLost:
			lost++
		default:
			return true
		}
	}
	return lost >= maxOwnerLost
}

func (s *State) submit(c *SubmitJob) Outcome {
	if s.Jobs[c.Job] != nil {
		return rejected(reject(Precondition, "JOB_EXISTS", "job "+string(c.Job), "it exists already"))
	}
	n := s.Nodes[c.Submitter]
	if n == nil {
		return rejected(reject(Denied, "UNKNOWN_NODE", "node "+string(c.Submitter.Short()), "it is not admitted to this grid").next("join it with a token: `anthill join`"))
	}
	if r := c.Spec.Validate(); r != nil {
		return rejected(r)
	}
	s.Jobs[c.Job] = &Job{
		Spec: c.Spec, Owner: n.Owner, Submitter: c.Submitter, Provider: c.Provider,
		State: JobRunning, Submitted: s.Now, Seed: c.Seed,
		Open: map[uint32]*Task{}, Kept: map[uint32]*Task{}, Unheld: map[uint32][]NodeID{}, tally: newTally(),
	}
	s.setRunning(c.Job)
	return Outcome{Job: c.Job}
}

func (s *State) cancel(c *CancelJob) Outcome {
	j := s.Jobs[c.Job]
	if j == nil {
		return rejected(UnknownJob(c.Job))
	}
	if r := s.MayControl(c.By, c.Job); r != nil {
		return rejected(r)
	}
	if j.State != JobRunning {
		return rejected(reject(Precondition, "JOB_FINISHED", "job "+string(c.Job), "it is over already: %v", j.State))
	}
	s.finish(c.Job, j, JobCancelled, "cancelled by "+string(s.Nodes[c.By].Owner))
	return Outcome{Job: c.Job}
}

// MayControl says why a node may not cancel a job or read its results, or nil:
// its owner and operators may.
func (s *State) MayControl(by NodeID, id JobID) *Rejection {
	j, n := s.Jobs[id], s.Nodes[by]
	switch {
	case j == nil:
		return UnknownJob(id)
	case n == nil || n.Role != Operator && n.Owner != j.Owner:
		return reject(Denied, "NOT_YOUR_JOB", "job "+string(id), "it belongs to %s", j.Owner).next("ask them, or an operator of the grid")
	}
	return nil
}

// finish ends a job and voids its leases.
func (s *State) finish(id JobID, j *Job, state JobState, reason string) {
	j.State, j.Reason, j.Finished = state, reason, s.Now
	for _, place := range j.OpenTasks() {
		s.voidRunning(j.Open[place])
		s.shelve(j, place)
	}
	for place, t := range j.Open {
		j.Kept[place] = t // without a result: what was tried is worth to know
	}
	j.Open, j.tally = nil, newTally()
	text := state.String()
	if reason != "" {
		text += ": " + reason
	}
	s.event(j, EventFinished, "", text)
	s.clearRunning(id)
}

func (s JobState) String() string {
	switch s {
	case JobRunning:
		return "running"
	case JobSucceeded:
		return "succeeded"
	case JobFailed:
		return "failed"
	case JobCancelled:
		return "cancelled"
	}
	return fmt.Sprintf("state(%d)", uint8(s))
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

func sortedKeys[K ~string | ~uint32 | ~uint64, V any](m map[K]V) []K {
	keys := make([]K, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
