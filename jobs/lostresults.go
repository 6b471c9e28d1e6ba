package jobs

// recompute takes back the results of a running job that are nowhere to be had: no
// coordinator holds them, and those who voted for them do not hand them out. Such
// votes are attempts that ended with no result. Where votes disagree they stay until
// that is decided: otherwise a liar that withholds its result would not be outvoted.
func (s *State) recompute(missing HeldResults) {
	id, j := missing.Job, s.Jobs[missing.Job]
	if j == nil {
		return
	}
	h := newHearing()
	for _, seq := range missing.Sequences {
		if j.State != JobRunning || int(seq) >= len(j.Order) || !j.Current(seq) {
			continue
		}
		place := j.Order[seq]
		if t := j.task(place); j.Closed[place].Holders == 0 && (t == nil || !t.Disputed) {
			s.forfeit(h, id, place)
		}
	}
	for _, reopened := range sortedKeys(h.reopened) {
		s.event(j, EventReopened, "", listTasks(h.reopened[reopened])+" computed again: no copy is left of what was accepted")
	}
	clear(h.reopened)
	s.conclude(h)
}

// forfeit makes the votes for a closed task's result count nowhere. Where nobody was
// left to ask, there is somebody now: whoever computes it again.
func (s *State) forfeit(h *hearing, id JobID, place Place) {
	j := s.Jobs[id]
	v := j.Closed[place].vote()
	j.Conceded = false
	s.rejudge(h, id, place, func(t *Task) {
		for i := range t.Attempts {
			if a := &t.Attempts[i]; a.State == AttemptVoted && a.Vote == v {
				s.retract(j, a)
				a.State, a.Reason = AttemptLost, "its result could not be fetched from the worker"
				s.Nodes[a.Worker].stumble()
				j.Attempts.Lost++
			}
		}
	})
}
