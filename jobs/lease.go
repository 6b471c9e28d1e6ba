package jobs

import (
	"fmt"
	"slices"
)

// AttemptStatus is how a worker says that an attempt ended.
type AttemptStatus uint8

// The statuses, in the order of the wire enum.
const (
	Succeeded AttemptStatus = iota + 1 // a vote for its output
	Crashed                            // a vote for failing: exit code, trap, output limit, refused module
	Killed                             // at a limit of time or memory: no vote
	Lost                               // the worker could not run it: no vote
)

// LeasePlace says which attempt a lease is for.
type LeasePlace struct {
	Job     JobID
	Task    uint32
	Attempt int
}

func (s *State) attempt(p LeasePlace) *Attempt {
	return &s.Jobs[p.Job].Open[p.Task].Attempts[p.Attempt]
}

// LeasesOf are the leases that a worker holds, in order.
func (s *State) LeasesOf(worker NodeID) []LeaseID {
	return sortedKeys(s.byWorker[worker])
}

// Lease tells where a lease is and who holds it; false if it is void.
func (s *State) Lease(id LeaseID) (LeasePlace, NodeID, bool) {
	p, ok := s.leases[id]
	if !ok {
		return LeasePlace{}, "", false
	}
	return p, s.attempt(p).Worker, true
}

func (s *State) addLease(id LeaseID, worker NodeID, p LeasePlace) {
	s.leases[id] = p
	if s.byWorker[worker] == nil {
		s.byWorker[worker] = map[LeaseID]bool{}
	}
	s.byWorker[worker][id] = true
}

func (s *State) dropLease(id LeaseID, worker NodeID) {
	delete(s.leases, id)
	delete(s.byWorker[worker], id)
	if len(s.byWorker[worker]) == 0 {
		delete(s.byWorker, worker)
	}
}

// endLease takes an attempt out of the running ones.
func (s *State) endLease(a *Attempt, state AttemptState, reason string) {
	s.dropLease(a.Lease, a.Worker)
	a.State, a.Reason = state, reason
}

// voidRunning takes back the leases of a task that needs them no more.
func (s *State) voidRunning(t *Task) {
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptRunning {
			s.endLease(a, AttemptVoid, "not needed any more")
		}
	}
}

func (s *State) grant(c *GrantLeases) Outcome {
	var out Outcome
	for _, g := range c.Grants {
		if s.grantOne(g, c.Expires) {
			out.Granted = append(out.Granted, g.Lease)
		}
	}
	return out
}

func (s *State) grantOne(g Grant, expires Time) bool {
	j, n := s.Jobs[g.Job], s.Nodes[g.Worker]
	if j == nil || j.State != JobRunning || n == nil || n.Role != Worker || s.banned(n.Owner) {
		return false
	}
	if _, taken := s.leases[g.Lease]; taken || int64(g.Task) >= j.Spec.Input.Tasks() {
		return false
	}
	t := j.Open[g.Task]
	switch {
	case t == nil && g.Task == j.Next:
		t = &Task{}
		j.Open[g.Task] = t
		j.Next++
		j.Closed = append(j.Closed, ClosedTask{})
	case t == nil: // closed, or opened out of order
		return false
	}
	if j.Spec.Trust.Judge(t.Attempts).Want == 0 || !t.MayAttempt(g.Worker, n.Owner, g.Repeat) {
		return false
	}
	t.Attempts = append(t.Attempts, Attempt{Lease: g.Lease, Worker: g.Worker, Owner: n.Owner, State: AttemptRunning, Expires: expires})
	s.addLease(g.Lease, g.Worker, LeasePlace{g.Job, g.Task, len(t.Attempts) - 1})
	j.Attempts.Started++
	return true
}

func (s *State) renew(c *RenewLeases) Outcome {
	if c.All {
		for _, p := range s.leases {
			s.extend(p, c.Expires)
		}
	}
	for _, id := range c.Leases {
		if p, ok := s.leases[id]; ok {
			s.extend(p, c.Expires)
		}
	}
	return Outcome{}
}

func (s *State) extend(p LeasePlace, expires Time) {
	a := s.attempt(p)
	a.Expires = max(a.Expires, expires)
}

// AnyExpired says whether ExpireLeases at this time would void any lease.
func (s *State) AnyExpired(at Time) bool {
	for _, p := range s.leases {
		if s.attempt(p).Expires <= at {
			return true
		}
	}
	return false
}

func (s *State) expire() Outcome {
	for _, id := range sortedKeys(s.leases) {
		p, ok := s.leases[id]
		if !ok {
			continue // its job failed on account of an earlier one
		}
		if a := s.attempt(p); a.Expires <= s.Now {
			s.endLease(a, AttemptLost, "the worker was not heard of any more")
			s.Jobs[p.Job].Attempts.Lost++
			s.settle(p)
		}
	}
	return Outcome{}
}

func (s *State) report(c *ReportAttempts) Outcome {
	suspects := map[OwnerID]bool{}
	for i := range c.Reports {
		s.reportOne(&c.Reports[i], suspects)
	}
	for _, id := range sortedKeys(suspects) {
		if o := s.Owners[id]; o.Banned == "" && o.misbehaves() {
			s.ban(id, fmt.Sprintf("%d of %d results outvoted", o.Outvoted, o.Agreed+o.Outvoted))
		}
	}
	return Outcome{}
}

// reportOne passes over a report whose lease is void (it came too late, twice,
// or from somebody else) and over a success that names no output. Owners who lost a vote by it are added to suspects.
func (s *State) reportOne(r *Report, suspects map[OwnerID]bool) {
	p, ok := s.leases[r.Lease]
	if !ok || s.attempt(p).Worker != r.Worker || r.Status == Succeeded && r.Output.ID.IsZero() {
		return
	}
	j, a := s.Jobs[p.Job], s.attempt(p)
	reason := r.Reason[:min(len(r.Reason), MaxReason)]
	j.Fetched.Add(r.Fetched)
	switch r.Status {
	case Succeeded:
		s.endLease(a, AttemptVoted, "")
		a.Vote = Vote{Output: r.Output}
	case Crashed:
		s.endLease(a, AttemptVoted, reason)
		a.Vote = Vote{Failed: true, ExitCode: r.ExitCode}
	case Killed:
		s.endLease(a, AttemptKilled, reason)
		j.Attempts.Killed++
	default:
		s.endLease(a, AttemptLost, reason)
		j.Attempts.Lost++
	}
	for _, o := range s.settle(p) {
		suspects[o] = true
	}
}

// settle judges a task anew after an attempt ended, and returns the owners who
// were outvoted.
func (s *State) settle(p LeasePlace) []OwnerID {
	j := s.Jobs[p.Job]
	t := j.Open[p.Task]
	v := j.Spec.Trust.Judge(t.Attempts)
	switch v.Kind {
	case Agreed:
		s.closeTask(p.Job, j, p.Task, v.Vote)
		return outvoted(t, v.Vote)
	case Failed:
		s.finish(p.Job, j, JobFailed, fmt.Sprintf("task %d: %s", p.Task, v.Reason))
	case Disputed:
		if !t.Disputed {
			t.Disputed = true
			s.event(j, EventDisputed, "", fmt.Sprintf("task %d: the results disagree, asking further workers", p.Task))
		}
	}
	return nil
}

func outvoted(t *Task, v Vote) []OwnerID {
	var owners []OwnerID
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptVoted && a.Vote != v {
			owners = append(owners, a.Owner)
		}
	}
	return owners
}

// ban voids an owner's leases and his votes on open tasks, which are asked
// anew of others.
func (s *State) ban(id OwnerID, why string) {
	s.Owners[id].Banned = why
	for _, jobID := range slices.Clone(s.Running()) {
		j := s.Jobs[jobID]
		s.event(j, EventBanned, id, fmt.Sprintf("%s is banned: %s", id, why))
		for _, i := range j.OpenTasks() {
			// Where his was the last attempt under way, the task may be hopeless now.
			if t := j.Open[i]; t != nil && s.voidOwner(t, id) {
				s.settle(LeasePlace{Job: jobID, Task: i})
			}
		}
	}
}

// voidOwner makes an owner's attempts count nowhere, and tells whether there
// were any.
func (s *State) voidOwner(t *Task, owner OwnerID) bool {
	found := false
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if a.Owner != owner {
			continue
		}
		found = true
		if a.State == AttemptRunning {
			s.endLease(a, AttemptVoid, "its owner was banned")
		}
		a.State = AttemptVoid
	}
	t.Disputed = len(count(t.Attempts).groups) > 1
	return found
}
