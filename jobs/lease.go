package jobs

import (
	"math"
	"slices"
	"time"
)

// AttemptStatus is how a worker says that an attempt ended.
type AttemptStatus uint8

// The statuses, in the order of the wire enum.
const (
	Succeeded AttemptStatus = iota + 1 // a vote for its output
	Crashed                            // a vote for failing: exit code, trap, output or fuel limit
	Killed                             // at a limit of time or memory, or refused by this worker's engine: no vote
	Lost                               // the worker could not run it: no vote
	Starved                            // its input was not to be had, which is not the worker's fault: no vote
	Stopped                            // its donor paused or stopped the worker: no vote
)

// votes says whether an attempt that ended so is a vote.
func (a AttemptStatus) votes() bool { return a == Succeeded || a == Crashed }

const (
	// LeaseDuration is how long a lease lives after its worker was last heard of. A
	// worker that is silent for so long loses what it holds.
	LeaseDuration = 6 * time.Second
	// RenewEvery is how often the leader writes down which workers were heard of.
	// Even where heartbeats come a third of a lease apart, both together stay
	// below the shortest lease, see leaseEnd.
	RenewEvery = LeaseDuration / 6
	// Standstill is a gap between two looks of the leader at its leases that means
	// that its process was suspended, or its clock set forward: then it gives
	// every worker a whole lease to be heard of again.
	Standstill = LeaseDuration / 3
)

// HeartbeatBlobs bounds the blobs of which a heartbeat says that the worker has pieces.
const HeartbeatBlobs = 64

// HeartbeatEvery is how often a worker is to be heard of where leases live for so
// long: a coordinator that hangs for half of it leaves time to be heard by another.
func HeartbeatEvery(lease time.Duration) time.Duration { return min(lease/6, time.Second) }

// AttemptRef says which attempt a lease is for: of all at the task that is opened
// at Place, the one at this position.
type AttemptRef struct {
	Job     JobID
	Place   Place
	Attempt int
}

func (s *State) attempt(p AttemptRef) *Attempt {
	return &s.Jobs[p.Job].Open[p.Place].Attempts[p.Attempt]
}

// LeasesOf are the leases that a worker holds, in order.
func (s *State) LeasesOf(worker NodeID) []LeaseID { return s.leases.of(worker) }

// Holding is the number of leases that a worker holds.
func (s *State) Holding(worker NodeID) int { return s.leases.holding(worker) }

// Lease tells which attempt a lease is for and who holds it; false if it is void.
func (s *State) Lease(id LeaseID) (AttemptRef, NodeID, bool) { return s.find(&s.leases, id) }

func (s *State) find(x *leaseIndex, id LeaseID) (AttemptRef, NodeID, bool) {
	p, ok := x.attempts[id]
	if !ok {
		return AttemptRef{}, "", false
	}
	return p, s.attempt(p).Worker, true
}

// endLease takes an attempt out of the running ones, and of the silent.
func (s *State) endLease(a *Attempt, state AttemptState, reason string) {
	if p, held := s.leases.attempts[a.Lease]; held {
		s.Jobs[p.Job].agenda.ended(a)
		s.leases.drop(a.Lease, a.Worker)
	}
	s.silent.drop(a.Lease, a.Worker)
	a.State, a.Reason, a.Paused = state, reason, false
}

// takeOver ends what stands still, or is silent, of an owner that gets the task once more:
// nobody votes on a task twice.
func (s *State) takeOver(j *Job, t *Task, owner OwnerID) {
	for i := range t.Attempts {
		if a := &t.Attempts[i]; (a.Paused || a.State == AttemptSilent) && a.Owner == owner && s.oneVoice(j) {
			s.endLease(a, AttemptVoid, "another worker of its owner took over")
		}
	}
}

// voidRunning takes back the leases of a task that no longer needs them, also for those
// who fell silent with one.
func (s *State) voidRunning(t *Task) {
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptRunning || a.State == AttemptSilent {
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

// grantOne gives out one attempt, if it may be. Under fixed replication the verdict
// must ask for it; under the rule of credibility, placement chooses how many second
// opinions a task gets.
func (s *State) grantOne(g Grant, expires Time) bool {
	j, n := s.Jobs[g.Job], s.Nodes[g.Worker]
	if j == nil || j.State != JobRunning || j.Conceded || n == nil || n.Role != Worker || n.Ended != nil || s.banned(n.Owner) {
		return false
	}
	if !s.HasRoom(j) || s.Resting(n.Owner, s.Now) {
		return false
	}
	if s.leases.has(g.Lease) || s.silent.has(g.Lease) || g.Place > j.Next || int64(g.Place) >= j.Spec.Input.Tasks() {
		return false
	}
	if g.Place < j.Next && j.Closed[g.Place].hopeless() {
		return false
	}
	if g.Place == j.Next {
		j.Open[g.Place] = &Task{}
		j.Next++
		j.Closed = append(j.Closed, ClosedTask{})
	}
	t := s.recall(j, g.Place)
	if j.Spec.Trust.Fixed() && s.Judge(j, t).Want == 0 || s.tooSoon(j, t) || !s.MayAttempt(j, t, g.Worker, n.Owner, g.Repeat) {
		s.shelve(j, g.Place)
		s.plan(j, g.Place)
		return false
	}
	s.takeOver(j, t, n.Owner)
	j.Lacks = 0
	s.seen(g.Worker)
	j.Attempts.Started++
	if len(t.Attempts) > 0 {
		j.Attempts.Extra++
	}
	seat := t.seat(n.Owner)
	t.Attempts[seat] = Attempt{
		Lease: g.Lease, Worker: g.Worker, Owner: n.Owner, State: AttemptRunning, Expires: s.leaseEnd(n, expires), Started: s.Now,
		Seen: t.cast(), // 0 but in steady jobs
	}
	s.hold(AttemptRef{g.Job, g.Place, seat}, &t.Attempts[seat])
	s.plan(j, g.Place)
	s.restAgain(s.Owners[n.Owner])
	return true
}

// hold enters an attempt that runs.
func (s *State) hold(p AttemptRef, a *Attempt) {
	s.leases.add(a.Lease, a.Worker, p, a.Expires)
	s.Jobs[p.Job].agenda.began(a, p.Place)
}

// leaseEnd is earlier for workers that often end without a vote, by up to a
// third: what they hold comes back sooner, and heartbeats still come in time.
func (s *State) leaseEnd(n *Node, expires Time) Time {
	return expires - (expires-s.Now)*Time(One-n.Reliability)/Time(3*One)
}

func (s *State) renew(c *RenewLeases) Outcome {
	if c.All {
		for _, held := range s.leases.byWorker {
			s.renewHand(held, c.Expires, nil)
		}
	}
	h := newHearing()
	for _, w := range c.Workers {
		s.renewWorker(w, c.Expires)
	}
	s.renewSome(c.Leases, c.Expires, false)
	s.renewSome(c.Paused, c.Expires, true)
	s.forsake(h, c.Gone)
	s.conclude(h) // a job may wait for nobody any more
	return Outcome{}
}

func (s *State) renewSome(ids []LeaseID, expires Time, paused bool) {
	changed := map[NodeID]bool{}
	for _, id := range ids {
		s.resume(id)
		if p, ok := s.leases.attempts[id]; ok {
			s.extend(s.attempt(p), expires)
			s.pause(p, paused)
			changed[s.attempt(p).Worker] = true
		}
	}
	for worker := range changed {
		s.expectEnd(s.leases.byWorker[worker])
	}
}

// renewWorker extends what a worker holds, but for what it did not name, and has it go on.
func (s *State) renewWorker(w WorkerHeard, expires Time) {
	if w.Worker == 0 || int(w.Worker) > len(s.Numbered) {
		return
	}
	held := s.leases.byWorker[s.Numbered[w.Worker-1]]
	if held == nil {
		return
	}
	s.renewHand(held, expires, w.Unnamed)
	for _, id := range held.leases {
		if !slices.Contains(w.Unnamed, id) {
			s.pause(s.leases.attempts[id], false)
		}
	}
}

// renewHand extends all leases of a worker but some.
func (s *State) renewHand(held *hand, expires Time, but []LeaseID) {
	for _, id := range held.leases {
		if !slices.Contains(but, id) {
			s.extend(s.attempt(s.leases.attempts[id]), expires)
		}
	}
	s.expectEnd(held)
}

// expectEnd notes when the first of a worker's leases ends.
func (s *State) expectEnd(held *hand) {
	soon := Time(math.MaxInt64)
	for _, id := range held.leases {
		soon = min(soon, s.attempt(s.leases.attempts[id]).Expires)
	}
	s.leases.expect(held, soon)
}

func (s *State) extend(a *Attempt, expires Time) {
	a.Expires = max(a.Expires, s.leaseEnd(s.Nodes[a.Worker], expires))
}

// AnyExpired says whether ExpireLeases at this time would change anything.
func (s *State) AnyExpired(at Time) bool {
	if len(s.ended(at, 1)) > 0 {
		return true
	}
	for _, d := range s.Datasets {
		if slices.ContainsFunc(d.Claims, func(c Claim) bool { return d.stale(c, at) }) {
			return true
		}
	}
	return false
}

// ended are leases that end by then, in order: all of them, or the first that are found.
func (s *State) ended(at Time, most int) (list []LeaseID) {
	s.leases.due(at, func(held *hand) bool {
		for _, id := range held.leases {
			if s.attempt(s.leases.attempts[id]).Expires <= at {
				list = append(list, id)
			}
		}
		return len(list) < most
	})
	slices.Sort(list)
	return list
}

func (s *State) expire() Outcome {
	s.dropStale()
	h := newHearing()
	for _, id := range s.ended(s.Now, math.MaxInt) {
		p, ok := s.leases.attempts[id]
		if !ok {
			continue // its job failed on account of an earlier one
		}
		s.rejudge(h, p.Job, p.Place, func(t *Task) { s.fallSilent(p, &t.Attempts[p.Attempt]) })
	}
	s.conclude(h)
	return Outcome{}
}

func (s *State) report(c *ReportAttempts) Outcome {
	h := newHearing()
	for i := range c.Reports {
		s.reportOne(h, &c.Reports[i])
	}
	s.conclude(h)
	return Outcome{}
}

// reportOne passes over a report whose lease is void (it came too late, twice,
// or from somebody else) and over a success that names no output.
func (s *State) reportOne(h *hearing, r *Report) {
	if r.Status == Succeeded && r.Output.ID.IsZero() {
		return
	}
	if _, worker, silent := s.Silent(r.Lease); silent && worker == r.Worker {
		s.resume(r.Lease)
	}
	p, worker, ok := s.Lease(r.Lease)
	if !ok || worker != r.Worker {
		return
	}
	j := s.Jobs[p.Job]
	j.Fetched.Add(r.Fetched)
	s.rejudge(h, p.Job, p.Place, func(t *Task) {
		a, cast := &t.Attempts[p.Attempt], t.cast()
		if s.end(j, p.Place, a, r); a.State == AttemptVoted && j.steady() {
			a.Turn = cast + 1
		}
	})
}

// end ends an attempt as its worker reports. A vote that breaks the job's limits is
// none, nor is one for a result that has no room.
func (s *State) end(j *Job, place Place, a *Attempt, r *Report) {
	reason := r.Reason[:min(len(r.Reason), s.MaxReason(r.Status))]
	switch {
	case r.Status.votes() && j.Spec.Limits.Fuel > 0 && r.Fuel > uint64(j.Spec.Limits.Fuel):
		s.lose(j, a, "the worker reported more fuel than the job's limit allows")
	case r.Status == Succeeded && j.Spec.Limits.Output > 0 && r.Output.Size > j.Spec.Limits.Output:
		s.lose(j, a, "the worker reported a larger output than the job's limit allows")
	case r.Status == Succeeded && s.Denies(r.Output.ID):
		s.lose(j, a, "the result is on the grid's deny list")
	case r.Status == Succeeded && !s.fits(j, place, r.Output.Size):
		s.endLease(a, AttemptReturned, "there was no room for its result in the account of the job's owner")
		j.Attempts.Returned++
	case r.Status == Succeeded:
		s.vote(j, a, Vote{Output: r.Output, Fuel: r.Fuel}, "")
	case r.Status == Crashed:
		s.vote(j, a, Vote{Failed: true, ExitCode: r.ExitCode, Fuel: r.Fuel}, reason)
	case r.Status == Killed:
		s.endLease(a, AttemptKilled, reason)
		if !s.can(VersionInput) {
			s.Nodes[a.Worker].stumble()
		}
		s.tire(a.Owner)
		j.Attempts.Killed++
	case (r.Status == Starved || r.Status == Stopped) && s.can(VersionInput):
		s.endLease(a, AttemptReturned, reason)
		j.Attempts.Returned++
	default:
		s.lose(j, a, reason)
		s.tire(a.Owner)
	}
}

func (s *State) vote(j *Job, a *Attempt, v Vote, reason string) {
	s.endLease(a, AttemptVoted, reason)
	a.Vote = v
	s.Nodes[a.Worker].deliver()
	s.Owners[a.Owner].revive()
	took := time.Duration(s.Now-a.Started) * time.Millisecond
	if j.Pace == 0 {
		j.Pace = took
	}
	j.Pace += (took - j.Pace) / 16
}

func (s *State) lose(j *Job, a *Attempt, reason string) {
	s.endLease(a, AttemptLost, reason)
	s.Nodes[a.Worker].stumble()
	j.Attempts.Lost++
}
