package jobs

import "slices"

// How many attempts without a vote a task is given.
const (
	// maxKilled is how often a task may be killed at its limits until it is not given
	// again to those who have tried it.
	maxKilled = 5
	// maxLost is how many attempts may end with no result at all before the task
	// is thought to be what brings workers down.
	maxLost = 20
	// maxOwnerLost is how often an owner may lose a task before it goes to others
	// first: a broken worker must not use up all of maxLost alone.
	maxOwnerLost = 3
)

// inVain says whether so many attempts came to no vote that further ones by the
// same owners are not worth it.
func (t *Task) inVain() bool {
	b := count(t.Attempts)
	return b.killed >= maxKilled || b.lost >= maxLost
}

// hopeless says whether a task on which nobody has voted fails.
func (s *State) hopeless(j *Job, t *Task, b ballot) bool {
	if s.can(VersionThinkers) {
		return s.cannotRun(j, t, b)
	}
	return b.running == 0 && b.killed >= maxKilled || b.lost >= maxLost
}

// cannotRun says whether it is proven that a task cannot be run. That it was killed at its
// limits, or lost so often that it seems to bring workers down, is an owner's claim and
// weighed like a vote; but of those who never delivered anything that others confirmed it
// proves nothing, and as one result refutes them all, they must be most of the owners of
// workers too, or many. Where fewer are left to ask, see Forlorn.
func (s *State) cannotRun(j *Job, t *Task, b ballot) bool {
	if b.running > 0 {
		return false
	}
	claim := group{owners: s.claimants(t, b.lost >= maxLost)}
	if n := len(claim.owners); n < maxWant && 2*n <= s.crew-s.bannedCrew {
		return false
	}
	return s.proven(j, &claim, Posterior(s.priors([]group{claim}))[0])
}

// claimants are the owners who say of a task that it cannot be run, and have delivered.
func (s *State) claimants(t *Task, lost bool) (list []OwnerID) {
	for i := range t.Attempts {
		a := &t.Attempts[i]
		says := a.State == AttemptKilled || lost && (a.State == AttemptLost || a.State == AttemptSilent)
		if says && s.Owners[a.Owner].Checks > 0 && !slices.Contains(list, a.Owner) {
			list = append(list, a.Owner)
		}
	}
	return list
}

// maxForlorn bounds the tasks that one command gives up.
const maxForlorn = 1000

// Forlorn are tasks of a running job that every one of these workers' owners has tried,
// so often in vain that they are not asked again. They are given up: that nobody
// proves that they cannot be run must keep no job for ever.
func (s *State) Forlorn(j *Job, live []NodeID) (list []Place) {
	if len(live) == 0 {
		return nil
	}
	for place := range j.Restless {
		t := j.Open[place]
		untried := func(worker NodeID) bool { return s.MayAttempt(j, t, worker, s.Nodes[worker].Owner, false) }
		if len(list) < maxForlorn && s.forlorn(t) && !slices.ContainsFunc(live, untried) {
			list = append(list, place)
		}
	}
	return list
}

func (s *State) forlorn(t *Task) bool {
	return s.can(VersionThinkers) && t.owners() == 0 && t.Running() == 0 && t.inVain()
}

// whyHopeless says for people why a task has failed that no group of votes has
// decided.
func (b *ballot) whyHopeless(t Trust, attempts []Attempt) string {
	last := ""
	for _, a := range attempts {
		if a.State == AttemptKilled || a.State == AttemptLost || a.State == AttemptSilent {
			last = a.Reason
		}
	}
	switch {
	case b.lost >= maxLost:
		return plural(b.lost, "attempt") + " ended without a result, the last: " + last
	case b.voted == 0:
		return plural(b.killed, "attempt") + " killed, the last: " + last
	default:
		return plural(len(b.groups), "different result") + " in " + plural(b.voted+b.killed, "attempt") + ", and no " + plural(int(t.Quorum), "equal one")
	}
}
