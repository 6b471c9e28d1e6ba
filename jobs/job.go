package jobs

import (
	"fmt"
	"slices"

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
	// Order lists the closed tasks in the order in which they closed.
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
}

// ClosedTask is all that is kept of a task that is done.
type ClosedTask struct {
	_       struct{} `cbor:",toarray"`
	Output  blob.Ref // zero while the task is open
	Holders uint64   // coordinators that have the output
}

// AttemptCounts counts attempts by how they ended.
type AttemptCounts struct {
	Started  uint64 `cbor:"1,keyasint"`
	Agreed   uint64 `cbor:"2,keyasint,omitempty"`
	Outvoted uint64 `cbor:"3,keyasint,omitempty"`
	Killed   uint64 `cbor:"4,keyasint,omitempty"`
	Lost     uint64 `cbor:"5,keyasint,omitempty"`
}

// Task is a task with attempts under way.
type Task struct {
	Attempts []Attempt `cbor:"1,keyasint"`
	Disputed bool      `cbor:"2,keyasint,omitempty"`
}

// AttemptState is where an attempt is in its life.
type AttemptState uint8

// The states of an attempt.
const (
	AttemptRunning AttemptState = iota + 1
	AttemptVoted                // it reported a result or a failure
	AttemptKilled               // ended by the host at a limit: no vote
	AttemptLost                 // no result
	AttemptVoid                 // its owner was banned
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
}

// Total is the number of the job's tasks.
func (j *Job) Total() int { return int(j.Spec.Input.Tasks()) }

// Done is the number of tasks whose results are accepted and safe.
func (j *Job) Done() int { return len(j.Order) - len(j.Unheld) }

// Running is the number of attempts under way.
func (j *Job) Running() int {
	n := 0
	for _, t := range j.Open {
		n += t.Running()
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

// maxOwnerLost is how often an owner may lose a task before it goes to others
// first: a broken worker must not use up all of maxLost alone.
const maxOwnerLost = 3

// MayAttempt says whether a worker may get a task. Nobody votes twice on a
// task; an owner tries it again only where repeat says that no other is left:
// with another node, or after attempts without a vote.
func (t *Task) MayAttempt(worker NodeID, owner OwnerID, repeat bool) bool {
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if a.Worker == worker && (a.State == AttemptRunning || a.State == AttemptVoted) {
			return false
		}
	}
	return repeat || !t.Tried(owner)
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
		State: JobRunning, Submitted: s.Now, Open: map[uint32]*Task{}, Unheld: map[uint32][]NodeID{},
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
	for _, i := range j.OpenTasks() {
		s.voidRunning(j.Open[i])
	}
	j.State, j.Reason, j.Finished = state, reason, s.Now
	j.Open = nil
	text := state.String()
	if reason != "" {
		text += ": " + reason
	}
	s.event(j, EventFinished, "", text)
	s.clearRunning(id)
}

// closeTask accepts a vote as the task's result.
func (s *State) closeTask(id JobID, j *Job, index uint32, v Vote) {
	t := j.Open[index]
	var winners []NodeID
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if a.State == AttemptVoted && s.score(j, a, v) {
			winners = append(winners, a.Worker)
		}
	}
	s.voidRunning(t)
	delete(j.Open, index)
	j.Closed[index].Output = v.Output
	j.Order = append(j.Order, index)
	j.Unheld[index] = winners
	j.Progress = s.Now
}

// score counts a vote for or against its owner, and tells whether it won.
func (s *State) score(j *Job, a *Attempt, v Vote) bool {
	o := s.Owners[a.Owner]
	if a.Vote == v {
		o.Agreed++
		j.Attempts.Agreed++
		return true
	}
	o.Outvoted++
	j.Attempts.Outvoted++
	return false
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
