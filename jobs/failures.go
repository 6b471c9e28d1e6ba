package jobs

// How many attempts without a vote a task is given. A task fails with its job.
const (
	// maxKilled is how often a task may be killed at its limits before it fails,
	// under the rule of credibility; a fixed quorum counts these among MaxAttempts.
	maxKilled = 5
	// maxLost is how many attempts may end with no result at all before the task
	// is thought to be what brings workers down, and fails.
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
