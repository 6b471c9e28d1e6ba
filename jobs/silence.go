package jobs

// A worker that is not heard of may be dead, or only asleep, or cut off: then it still
// has the work. Its tasks are given to others at once, but its attempts are silent and
// not lost for good until it is known what became of them: it comes back with the work,
// and goes on; or without it, which counts against it and the task; or the task has its
// result meanwhile. As long as it says nothing, its owner's silences count as one loss.

// Silent tells which attempt a lease was for that ended in silence and may be given
// back, and who held it.
func (s *State) Silent(id LeaseID) (AttemptRef, NodeID, bool) { return s.find(&s.silent, id) }

// SilentOf are the leases of a worker that ended in silence and may be given back, in
// order.
func (s *State) SilentOf(worker NodeID) []LeaseID { return s.silent.of(worker) }

// fallSilent ends the lease of an attempt whose worker was not heard of.
func (s *State) fallSilent(p AttemptRef, a *Attempt) {
	j, reason := s.Jobs[p.Job], "the worker was not heard of any more"
	if !s.can(VersionInput) {
		s.lose(j, a, reason)
		return
	}
	s.endLease(a, AttemptSilent, reason)
	s.silent.add(a.Lease, a.Worker, p, 0)
	j.Attempts.Lost++
}

// resume gives a lease back whose worker is there again with the work. Others who were
// asked meanwhile go on: the late vote is one more opinion of another owner.
func (s *State) resume(id LeaseID) {
	p, worker, ok := s.Silent(id)
	if !ok {
		return
	}
	a := s.attempt(p)
	s.silent.drop(id, worker)
	a.State, a.Reason = AttemptRunning, ""
	s.hold(p, a)
	s.plan(s.Jobs[p.Job], p.Place)
	s.Jobs[p.Job].Attempts.Lost--
}

// forsake loses for good what workers have come back without. However much of it there
// is, that is one stumble.
func (s *State) forsake(h *hearing, ids []LeaseID) {
	stumbled := map[NodeID]bool{}
	for _, id := range ids {
		p, worker, ok := s.Silent(id)
		if !ok {
			continue
		}
		s.rejudge(h, p.Job, p.Place, func(t *Task) {
			s.endLease(&t.Attempts[p.Attempt], AttemptLost, "the worker was not heard of, and came back without the work")
		})
		if !stumbled[worker] {
			stumbled[worker] = true
			s.Nodes[worker].stumble()
		}
	}
}
