package jobs

import "math/bits"

// loseHeld takes back what a coordinator has confirmed to hold: its disk has lost it.
func (s *State) loseHeld(c *ConfirmHeld, bit uint64) {
	for _, h := range c.Results {
		if j := s.Jobs[h.Job]; j != nil {
			s.loseResults(j, h.Sequences, bit)
		}
	}
	for _, id := range c.Inputs {
		if j := s.Jobs[id]; j != nil {
			j.InputHolders &^= bit
		}
	}
	for _, id := range c.Blobs {
		if k := s.Blobs[id]; k != nil {
			k.lose(bit, s.Now)
		}
	}
}

// lose takes a holder out. With the last one begins a day anew in which somebody has
// to bring the blob again, or the claims go.
func (k *Kept) lose(bit uint64, now Time) {
	last := k.Holders == bit
	k.Holders &^= bit
	for i := range k.Claims {
		if last {
			k.Claims[i].At = now
		}
	}
}

func (s *State) loseResults(j *Job, sequences []uint32, bit uint64) {
	for _, seq := range sequences {
		if int(seq) >= len(j.Order) || !j.Current(seq) {
			continue
		}
		place := j.Order[seq]
		c := &j.Closed[place]
		c.Holders &^= bit
		if _, already := j.Unheld[place]; !already && j.State == JobRunning && bits.OnesCount64(c.Holders) < s.CopiesNeeded() {
			j.Unheld[place] = nil // see Supporters
		}
	}
}

// Supporters are the workers whose votes stand for the result of a closed task.
func (s *State) Supporters(j *Job, place uint32) []NodeID {
	t := j.task(place)
	if t == nil {
		t = s.remember(&j.Closed[place])
	}
	return t.voters(j.Closed[place].vote())
}

// recompute takes back the results of a running job that are nowhere to be had: no
// coordinator holds them, and those who voted for them do not hand them out. Such
// votes are attempts that ended with no result. Where votes disagree they stay until
// that is decided: or else a liar who withholds his result would not be outvoted.
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
func (s *State) forfeit(h *hearing, id JobID, place uint32) {
	j := s.Jobs[id]
	v := j.Closed[place].vote()
	j.Conceded = false
	s.discount(j, place)
	t := s.recall(j, place)
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptVoted && a.Vote == v {
			s.retract(j, a)
			a.State, a.Reason = AttemptLost, "its result could not be fetched from the worker"
			s.Nodes[a.Worker].stumble()
			j.Attempts.Lost++
		}
	}
	s.settle(h, id, place)
	s.count(j, place)
}
