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
// order of their places: those below Next are open or closed, the rest are
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

	Next   Place           `cbor:"10,keyasint"`
	Open   map[Place]*Task `cbor:"11,keyasint,omitempty"`
	Closed []ClosedTask    `cbor:"12,keyasint,omitempty"` // of each place below Next
	// Order lists the places of tasks as their results were accepted. A task
	// that was reopened, or whose result changed, occurs again: see Current.
	Order []Place `cbor:"13,keyasint,omitempty"`
	// Unheld are the closed tasks that too few coordinators hold, with the
	// workers who have the bytes.
	Unheld map[Place][]NodeID `cbor:"14,keyasint,omitempty"`
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
	// Records are those of closed tasks of which there is more to tell than who
	// agreed: more than two votes, or votes for something else.
	Records map[Place]*Task `cbor:"27,keyasint,omitempty"`
	// Failed is the number of tasks that are closed as failed. Reasons is why, of the
	// first maxReasons, and Tries who tried those for whom ClosedTask has no room.
	Failed  int              `cbor:"31,keyasint,omitempty"`
	Reasons map[Place]string `cbor:"32,keyasint,omitempty"`
	Tries   map[Place][]Try  `cbor:"33,keyasint,omitempty"`
	// Conceded: nobody is left to ask, the job ends with the bound it has.
	Conceded bool `cbor:"28,keyasint,omitempty"`
	// Pace is how long an attempt takes that ends with a vote: a moving average.
	Pace time.Duration `cbor:"29,keyasint,omitempty"`
	// Fuel is what the accepted results took.
	Fuel FuelSum `cbor:"40,keyasint"`
	// Unproven are blobs of the spec that its owner could not read when it named them,
	// and has not proved yet to have. See State.MayRead.
	Unproven []blob.ID `cbor:"45,keyasint,omitempty"`
	// Lacks is how much more room the last result needed than its owner's account had.
	Lacks int64 `cbor:"35,keyasint,omitempty"`
	// Released: it was cancelled, and its results are nobody's any more.
	Released bool `cbor:"36,keyasint,omitempty"`
	// Lacked is since when what its tasks read has been with nobody who is there; zero:
	// somebody has it, or nobody has looked.
	Lacked Time `cbor:"94,keyasint,omitempty"`

	// Steady: its results are checked at a steady rate, and one owner is one voice under a
	// fixed quorum, too: it was submitted by rules of VersionThinkers. See steady.go.
	Steady bool `cbor:"70,keyasint,omitempty"`
	// Draws decides which results are checked. Nothing that a worker sees follows from it:
	// the seed of the order in which tasks are opened, which shows, is its digest.
	Draws uint64 `cbor:"72,keyasint,omitempty"`

	tally  *tally
	agenda *agenda // of running jobs
	// text and results are the bytes that count in the owner's account.
	text, results int64
}

// Total is the number of the job's tasks.
func (j *Job) Total() int { return int(j.Spec.Input.Tasks()) }

// Done is the number of tasks whose results are accepted and safe.
func (j *Job) Done() int { return j.Count - len(j.Unheld) }

// Accepted is the number of tasks that have an accepted result.
func (j *Job) Accepted() int { return j.Count }

// Current says whether an entry of Order is its task's latest, and the task has
// not been reopened since.
func (j *Job) Current(sequence Sequence) bool {
	c := &j.Closed[j.Order[sequence]]
	return !c.open() && !c.failed() && c.Sequence == sequence
}

// Disputed is the number of tasks whose votes disagree, undecided so far.
func (j *Job) Disputed() int {
	if j.agenda == nil {
		return 0
	}
	return j.agenda.disputed
}

// Running is the number of attempts under way.
func (j *Job) Running() int {
	if j.agenda == nil {
		return 0
	}
	return j.agenda.running
}

// Paused is the number of attempts that run, and have long stood still.
func (j *Job) Paused() int {
	if j.agenda == nil {
		return 0
	}
	return j.agenda.paused
}

// OpenTasks are the places of the open tasks, in order.
func (j *Job) OpenTasks() []Place { return sortedKeys(j.Open) }

func (s *State) submit(c *SubmitJob) Outcome {
	if s.Jobs[c.Job] != nil {
		return rejected(reject(Precondition, "JOB_EXISTS", "job "+string(c.Job), "it exists already"))
	}
	n := s.Nodes[c.Submitter]
	if n == nil {
		return rejected(reject(Denied, "UNKNOWN_NODE", "node "+string(c.Submitter.Short()), "it is not admitted to this grid").next("join it with a token: `anthill join`"))
	}
	if r := s.CheckSpec(c.Spec); r != nil {
		return rejected(r)
	}
	if r := s.deniedIn(c.Spec); r != nil {
		return rejected(r)
	}
	if r := s.MaySubmit(n.Owner, c.Spec); r != nil {
		return rejected(r)
	}
	j := &Job{
		Spec: c.Spec, Owner: n.Owner, Submitter: c.Submitter, Provider: c.Provider,
		State: JobRunning, Submitted: s.Now, Seed: c.Seed, Unproven: s.unproven(n, c.Spec), Steady: s.can(VersionThinkers),
		Open: map[Place]*Task{}, Records: map[Place]*Task{}, Unheld: map[Place][]NodeID{},
		Reasons: map[Place]string{}, Tries: map[Place][]Try{}, tally: newTally(), agenda: &agenda{},
	}
	if j.Steady {
		j.Seed, j.Draws = orderOf(c.Seed), c.Seed
	}
	s.Jobs[c.Job] = j
	s.weighJob(j)
	s.bookJob(j, 1)
	s.setRunning(c.Job)
	s.seen(c.Submitter)
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
