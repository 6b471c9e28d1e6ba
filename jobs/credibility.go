package jobs

const (
	// maxWant bounds how many further opinions are asked for at once.
	maxWant = 12
	// probeRun is how many owners in a row must agree with the truth of a task,
	// after a lie about it came out, until no more are asked. Liars who work
	// together lie about the same task, so that it tells them apart; a sixteenth
	// of the owners is the share of liars below which that is not worth more.
	probeRun = 16
	// probeWidth is how many of them are asked at once.
	probeWidth = 8
	// variety is the number of votes of which a third must agree: otherwise the
	// program is to blame, and not the workers.
	variety = 9
)

// weigh is the rule of credibility for one task. A first vote for a result
// accepts it, provisionally: whether a second opinion is worth its cost depends
// on all tasks, see CheckPlan. Where votes differ, or say that the program
// fails, further owners are asked until one group is proven right.
func (s *State) weigh(j *Job, t *Task, running int) Verdict {
	b := count(t.Attempts)
	if len(b.groups) == 0 {
		if s.hopeless(j, t, b) {
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
		return Verdict{Kind: Failed, Vote: lead.vote, Want: s.probes(t, running), Reason: lead.first.Reason}
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

// proven says whether a group is right beyond doubt: by Bayes' rule, or because
// it has more members than there are saboteurs to fear.
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

// rate is what an owner's word is worth.
type rate struct {
	// alone is how often its word alone is wrong; among are the odds of that in a
	// group of equal votes, where the check that this very group was for the owner
	// does not count.
	alone, among Prob
}

// rates are those of all owners, by number.
func (s *State) rates(j *Job) []rate {
	rates := make([]rate, len(s.byNumber))
	for i, o := range s.byNumber {
		rates[i] = s.rate(o, j.tally.checks(o, 0))
	}
	return rates
}

// carry is how many checks from earlier jobs each check in a job makes count,
// and one more from the start. Trust carries over, but not all of it at once:
// an owner that was honest for years may begin to lie, and must be checked for it.
const carry = 16

// checks is what an owner's checks count in a job, with some more to come.
func (t *tally) checks(o *Owner, soon uint64) uint64 {
	here := soon
	if int(o.number) < len(t.checked) {
		here += t.checked[o.number]
	}
	return min(o.Checks+soon, carry*(here+1))
}

func (s *State) rate(o *Owner, checks uint64) rate {
	f := s.prior(o)
	before := checks - min(1, checks)
	return rate{ErrorRate(checks, f, s.liarsReturn()), odds(ErrorRate(before, f, s.liarsReturn()))}
}

// prior is the probability that an owner is a saboteur, before any check.
func (s *State) prior(o *Owner) Prob {
	switch {
	case o.Prior != 0:
		return o.Prior
	case s.Saboteurs != 0:
		return s.Saboteurs
	}
	return DefaultSaboteurs
}

// liarsReturn says whether more owners had to be banned than there can be
// liars: then they come back under fresh names.
func (s *State) liarsReturn() bool {
	f := s.Saboteurs
	if f == 0 {
		f = DefaultSaboteurs
	}
	return Prob(s.bannedCrew)*One > Prob(s.crew)*f
}

// Credibility is the probability that an owner is right in a task.
func (s *State) Credibility(id OwnerID) Prob {
	o := s.Owners[id]
	if o == nil || o.Banned != "" {
		return 0
	}
	return One - s.rate(o, o.Checks).alone
}
