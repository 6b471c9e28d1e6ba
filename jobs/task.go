package jobs

import "slices"

// AttemptCounts counts attempts by how they ended.
type AttemptCounts struct {
	Started  uint64 `cbor:"1,keyasint"`
	Agreed   uint64 `cbor:"2,keyasint,omitempty"`
	Outvoted uint64 `cbor:"3,keyasint,omitempty"`
	Killed   uint64 `cbor:"4,keyasint,omitempty"`
	Lost     uint64 `cbor:"5,keyasint,omitempty"`
	Extra    uint64 `cbor:"6,keyasint,omitempty"` // of Started: not a task's first
	// Returned came back without a vote, and nobody is to blame.
	Returned uint64 `cbor:"7,keyasint,omitempty"`
}

// Task is a task and the attempts at it.
type Task struct {
	Attempts []Attempt `cbor:"1,keyasint"`
	Disputed bool      `cbor:"2,keyasint,omitempty"`
	// Lies counts the votes that were proven wrong, Exposed is when the first of
	// them was, and Agreeing counts the votes that were right since the last one
	// by a worker that was there then.
	Lies     uint32 `cbor:"3,keyasint,omitempty"`
	Agreeing uint32 `cbor:"4,keyasint,omitempty"`
	Exposed  Time   `cbor:"6,keyasint,omitempty"`
	// Was is the result that was accepted before the task was reopened.
	Was Vote `cbor:"5,keyasint"`

	mark mark // how it is counted in the job's agenda, while it is open
}

// AttemptState is where an attempt is in its life.
type AttemptState uint8

// The states of an attempt.
const (
	AttemptRunning   AttemptState = iota + 1
	AttemptVoted                  // it reported a result or a failure
	AttemptKilled                 // ended by the host at a limit: no vote
	AttemptLost                   // no result
	AttemptVoid                   // its owner was banned
	AttemptOutvoted               // it voted, and a proven group said otherwise
	AttemptSilent                 // its worker is not heard of: lost, unless it comes back with it
	AttemptReturned               // its input was not to be had, or its donor stopped the worker
	AttemptUnfetched              // it voted for a result that did not come, and was given up when it Expires
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
	// results, and among the checks that it survived.
	Agreed  bool `cbor:"9,keyasint,omitempty"`
	Checked bool `cbor:"10,keyasint,omitempty"`
	// Paused: it runs, but its worker has been paused for so long that others are
	// asked as if it did not. It keeps its lease, and counts again when it goes on.
	Paused bool `cbor:"11,keyasint,omitempty"`
	// Stumbled: it was killed where others came to a result, which counted against its
	// worker.
	Stumbled bool `cbor:"12,keyasint,omitempty"`
	// Turn says which vote on its task it is, from 1 on, and Seen how many there were when
	// it got its lease; of steady jobs.
	Turn uint32 `cbor:"70,keyasint,omitempty"`
	Seen uint32 `cbor:"71,keyasint,omitempty"`
}

// underway says whether an attempt runs and does not stand still.
func (a *Attempt) underway() bool { return a.State == AttemptRunning && !a.Paused }

// task is the record of a task's attempts, or nil if there is none but who
// voted for its result.
func (j *Job) task(place Place) *Task {
	if t := j.Open[place]; t != nil {
		return t
	}
	return j.Records[place]
}

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

// MayAttempt says whether a worker may get a task. Nobody votes twice on a
// task, nor does any owner, see oneVoice; it tries again only where repeat says that no
// other is left, after attempts without a vote.
// Then it may also take over, by another worker, what has long stood still. There is
// an end to that: otherwise a task that one owner votes on, and whose bundle all
// others refuse, would be tried for ever.
func (s *State) MayAttempt(j *Job, t *Task, worker NodeID, owner OwnerID, repeat bool) bool {
	if t.MayHave(worker) {
		return false
	}
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if repeat && a.Paused && a.State == AttemptRunning && a.Worker != worker {
			continue
		}
		same := a.Worker == worker || a.Owner == owner && s.oneVoice(j)
		if same && (a.State == AttemptRunning || a.State == AttemptVoted || a.State == AttemptOutvoted) {
			return false
		}
	}
	return !t.Tried(owner) || repeat && (!s.oneVoice(j) || !t.inVain())
}

// oneVoice says whether the votes of an owner's nodes count as one: by the rules before, a
// fixed quorum counted nodes.
func (s *State) oneVoice(j *Job) bool { return !j.Spec.Trust.Fixed() || s.can(VersionThinkers) }

// MayHave says whether a worker fell silent with the task: it may still have it.
func (t *Task) MayHave(worker NodeID) bool {
	return slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.State == AttemptSilent && a.Worker == worker })
}

// Tried says whether an owner has had its turn at a task: an attempt that
// runs, voted or was killed, or several that were lost or returned.
func (t *Task) Tried(owner OwnerID) bool {
	lost := 0
	for i := range t.Attempts {
		a := &t.Attempts[i]
		switch {
		case a.Owner != owner || a.State == AttemptVoid:
		case a.State == AttemptLost || a.State == AttemptSilent || a.State == AttemptReturned:
			lost++
		default:
			return true
		}
	}
	return lost >= maxOwnerLost
}

// seat is where in the list an owner's next attempt goes. Those that were returned
// fail no task and so have no end: of an owner's that are as many as count for Tried
// the first makes room.
func (t *Task) seat(owner OwnerID) int {
	first, returned := 0, 0
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.Owner == owner && a.State == AttemptReturned {
			if returned == 0 {
				first = i
			}
			returned++
		}
	}
	if returned >= maxOwnerLost {
		return first
	}
	t.Attempts = append(t.Attempts, Attempt{})
	return len(t.Attempts) - 1
}
