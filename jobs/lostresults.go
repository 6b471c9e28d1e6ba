package jobs

import (
	"slices"
	"strings"
)

// recompute takes back the results of a running job that are nowhere to be had: no
// coordinator that is there holds them, and those who voted for them do not hand them
// out, or so slowly that they are sooner computed again. Such votes are attempts that
// ended with no result; what comes of them after all counts as soon as somebody votes
// for the same. Where votes disagree they stay until that is decided: otherwise a liar
// that withholds its result would not be outvoted.
func (s *State) recompute(c *ConfirmHeld, missing HeldResults) {
	id, j := missing.Job, s.Jobs[missing.Job]
	if j == nil {
		return
	}
	h, loss := newHearing(), loss{slow: c.Slow, blamed: map[NodeID]bool{}}
	away := s.HolderBits(c.Away)
	for _, seq := range missing.Sequences {
		if j.State != JobRunning || int(seq) >= len(j.Order) || !j.Current(seq) {
			continue
		}
		place := j.Order[seq]
		if t := j.task(place); j.Closed[place].Holders&^away == 0 && (t == nil || !t.Disputed) {
			s.forfeit(h, id, place, &loss)
		}
	}
	for _, reopened := range sortedKeys(h.reopened) {
		s.event(j, EventReopened, "", listTasks(h.reopened[reopened])+" computed again: "+loss.why())
	}
	clear(h.reopened)
	s.conclude(h)
}

// loss is what is known of results that one command takes back.
type loss struct {
	slow   bool
	blamed map[NodeID]bool // workers that have stumbled over it
	owners []OwnerID       // whose votes were for them
}

// why says for people why the results are computed again.
func (l *loss) why() string {
	if !l.slow {
		return "no copy is left of what was accepted"
	}
	names := make([]string, len(l.owners))
	for i, owner := range l.owners {
		names[i] = string(owner)
	}
	return "the line of " + strings.Join(names, ", ") + " is too slow"
}

// forfeit makes the votes for a closed task's result count nowhere. Where nobody was
// left to ask, there is somebody now: whoever computes it again.
func (s *State) forfeit(h *hearing, id JobID, place Place, l *loss) {
	j := s.Jobs[id]
	v := j.Closed[place].vote()
	j.Conceded = false
	s.rejudge(h, id, place, func(t *Task) {
		for i := range t.Attempts {
			if a := &t.Attempts[i]; a.State == AttemptVoted && a.Vote == v {
				s.retract(j, a)
				s.unfetched(j, a, l)
			}
		}
	})
}

// unfetched ends an attempt whose result did not come. A worker stumbles over all that
// one command takes back once, and over its line not at all.
func (s *State) unfetched(j *Job, a *Attempt, l *loss) {
	j.Attempts.Lost++
	a.State, a.Reason = AttemptLost, "its result could not be fetched from the worker"
	if !s.can(VersionInput) {
		s.Nodes[a.Worker].stumble()
		return
	}
	a.State, a.Expires = AttemptUnfetched, s.Now
	if l.slow {
		a.Reason = "its result would have come later than it is computed again"
	} else if !l.blamed[a.Worker] {
		l.blamed[a.Worker] = true
		s.Nodes[a.Worker].stumble()
	}
	if !slices.Contains(l.owners, a.Owner) {
		l.owners = append(l.owners, a.Owner)
	}
}

// Unfetched is how many votes for results of a task have come to nothing since the bytes
// did not come in time.
func (j *Job) Unfetched(place Place) (n int) {
	t := j.task(place)
	if t == nil {
		return 0
	}
	for i := range t.Attempts {
		if t.Attempts[i].State == AttemptUnfetched {
			n++
		}
	}
	return n
}
