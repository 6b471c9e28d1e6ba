package jobs

import (
	"math"
	"math/bits"
	"slices"
)

// Judge is what cross-checking says of a task.
func (s *State) Judge(j *Job, t *Task) Verdict {
	if j.Spec.Trust.Fixed() {
		return j.Spec.Trust.Judge(t.Attempts, len(s.timely(j, t)))
	}
	return s.weigh(j, t)
}

const (
	// maxKilled is how often a task may be killed at its limits before it is
	// given up.
	maxKilled = 5
	// maxWant bounds how many further opinions are asked for at once.
	maxWant = 12
	// probeRun is how many owners in a row must agree with the truth of a task,
	// after a lie about it came out, until no more are asked. Liars who work
	// together lie about the same task, so that it tells them apart; a sixteenth
	// of the owners is the share of liars below which that is not worth more.
	probeRun = 16
	// probeWidth is how many of them are asked at once.
	probeWidth = 8
	// variety is the number of votes of which a third must agree: or else the
	// program, and not the workers, is to blame.
	variety = 9
)

// weigh is the rule of credibility for one task. A first vote for a result
// accepts it, provisionally: whether a second opinion is worth its cost depends
// on all tasks, see Job.Wants. Where votes differ, or say that the program
// fails, further owners are asked until one group is proven right.
func (s *State) weigh(j *Job, t *Task) Verdict {
	b := count(t.Attempts)
	running := len(s.timely(j, t))
	if len(b.groups) == 0 {
		if b.running == 0 && b.killed >= maxKilled || b.lost >= maxLost {
			return Verdict{Kind: Failed, Reason: b.whyHopeless(j.Spec.Trust, t.Attempts)}
		}
		return Verdict{Kind: Pending, Want: max(0, 1-running)}
	}
	if first := b.groups[0].vote; len(b.groups) == 1 && !first.Failed {
		return Verdict{Kind: Agreed, Vote: first, Want: s.probes(t, running)}
	}
	lead, p := s.lead(t)
	switch {
	case s.proven(j, lead, p) && lead.vote.Failed:
		return Verdict{Kind: Failed, Reason: lead.first.Reason}
	case s.proven(j, lead, p):
		return Verdict{Kind: Agreed, Vote: lead.vote, Want: s.probes(t, running)}
	case b.voted >= variety && 3*lead.size < b.voted:
		return Verdict{Kind: Failed, Reason: plural(len(b.groups), "different result") + " in " + plural(b.voted, "attempt") + ": does the program compute the same on every run?"}
	}
	v := Verdict{Kind: Pending, Want: max(0, s.missing(j, t, lead)-running)}
	if len(b.groups) > 1 {
		v.Kind = Disputed
	}
	return v
}

// timely are the attempts at a task that go on and are not far behind: where
// one takes much longer than others did, another is asked for as well, once all
// tasks are begun. (Such backup tasks near the end cost little and cut the tail:
// Dean and Ghemawat, MapReduce, 2004, section 3.6.) Each further attempt is given
// twice the time, so that a task that is long itself is not given to everybody, and
// yet nobody can hold up a job by taking tasks and keeping them.
func (s *State) timely(j *Job, t *Task) (list []*Attempt) {
	patience := Time(math.MaxInt64)
	if int(j.Next) == j.Total() {
		patience = j.patience()
	}
	for i := range t.Attempts {
		a := &t.Attempts[i]
		switch {
		case !a.underway():
		case s.Now-a.Started <= patience:
			list = append(list, a)
		case patience <= math.MaxInt64/2:
			patience *= 2
		}
	}
	return list
}

const (
	// lateFactor is how much longer than usual an attempt may take.
	lateFactor = 3
	// lateLeast is the time in milliseconds that every attempt is given.
	lateLeast = 10_000
)

// patience is how long the first attempt at a task of a job may take until it is
// late.
func (j *Job) patience() Time {
	if j.Pace == 0 {
		return j.longest()
	}
	return min(max(lateLeast, lateFactor*Time(j.Pace.Milliseconds())), j.longest())
}

// longest is for how long anybody is waited for: as long as a guest may run.
func (j *Job) longest() Time { return max(lateLeast, Time(j.Spec.Limits.Time.Milliseconds())) }

// GoesOn says whether somebody runs a task who takes no longer than usual.
func (s *State) GoesOn(j *Job, t *Task) bool {
	patience := j.patience()
	return slices.ContainsFunc(t.Attempts, func(a Attempt) bool { return a.underway() && s.Now-a.Started <= patience })
}

// probes is how many owners are asked about a task that somebody lied about.
func (s *State) probes(t *Task, running int) int {
	if t.Lies == 0 || t.Agreeing >= probeRun {
		return 0
	}
	return max(0, min(probeWidth, probeRun-int(t.Agreeing))-running)
}

// lead is the group that is most likely right, and how likely.
func (s *State) lead(t *Task) (*group, Prob) {
	b := count(t.Attempts)
	var lead *group
	var best Prob = -1
	for g, p := range Posterior(s.priors(b.groups)) {
		if p > best {
			lead, best = &b.groups[g], p
		}
	}
	return lead, best
}

// standing is the probability that a vote is right.
func (s *State) standing(t *Task, v Vote) Prob {
	b := count(t.Attempts)
	for g, p := range Posterior(s.priors(b.groups)) {
		if b.groups[g].vote == v {
			return p
		}
	}
	return 0
}

// priors are what is thought of those who voted for each group, before any
// check: a liar who lies rarely survives many checks, and all the same lies
// here. An owner counts once.
func (s *State) priors(groups []group) [][]Prob {
	list := make([][]Prob, len(groups))
	for g := range groups {
		for _, id := range groups[g].owners {
			list[g] = append(list[g], s.prior(s.Owners[id]))
		}
	}
	return list
}

// proof is the error probability at which a lie counts as proven.
func (t Trust) proof() Prob { return min(t.MaxError, One/1000) }

// proven says whether a group is right beyond doubt: by Bayes' rule, or because
// it has more members than there are saboteurs to be feared.
func (s *State) proven(j *Job, lead *group, p Prob) bool {
	return One-p <= j.Spec.Trust.proof() || len(lead.owners) > s.liarsToFear()
}

// liarsToFear is the number of saboteurs to be expected among the owners of
// workers, rounded up, and one more.
func (s *State) liarsToFear() int {
	var sum Prob
	for _, o := range s.byNumber {
		if o.works && o.Banned == "" {
			sum += s.prior(o)
		}
	}
	return int(ceil(sum, One)) + 1
}

// missing is how many more votes would prove the leading group right, if
// strangers gave them.
func (s *State) missing(j *Job, t *Task, lead *group) int {
	b := count(t.Attempts)
	groups := s.priors(b.groups)
	more := *lead
	at := 0
	for g := range b.groups {
		if b.groups[g].vote == lead.vote {
			at = g
		}
	}
	for n := 1; n < maxWant; n++ {
		groups[at] = append(groups[at], s.prior(&Owner{}))
		more.owners = append(more.owners, "")
		if s.proven(j, &more, Posterior(groups)[at]) {
			return n
		}
	}
	return maxWant
}

// Budget is how much risk a job may run when some of its tasks have a result
// or are on the way to one: what the last of them may bring it to, times the
// root of their share. So checks come early, when they cost the least: a liar
// who is caught early leaves little to do again. They go on to the end, since
// a liar may begin late.
func (j *Job) Budget(opened int) Prob {
	return j.Spec.Trust.aim() * Prob(root(uint64(opened)*uint64(j.Total())))
}

// root is the square root, rounded down: Newton's method from above.
func root(n uint64) uint64 {
	if n == 0 {
		return 0
	}
	x := uint64(1) << ((bits.Len64(n) + 1) / 2)
	for {
		y := (x + n/x) / 2
		if y >= x {
			return x
		}
		x = y
	}
}
