// For the leader alone, when it plans: what stands here draws at random and changes
// nothing. State.Apply must never reach it, since replicas that apply the same commands
// would differ then; a test holds that.

package jobs

// CheckPlan says which results of a job under the rule of credibility to check next.
// It looks ahead to when all attempts under way have ended and agreed. It goes stale
// when the state changes.
type CheckPlan struct {
	s *State
	j *Job
	// soon counts, by owner's number, the checks under way, and alone the
	// results that will rest on its word alone.
	soon, alone []int64
	// fresh lists by owner's number the tasks that it alone runs and nobody has
	// voted on.
	fresh [][]Place
	// begun are the tasks that the plan opens, and taken the places that it
	// gives a second opinion.
	begun  map[Place]NodeID
	taken  map[Place]bool
	opened int
	extra  uint64
	risk   Prob
	memo   Rates
	// steady is what the plan of a steady job is, instead of most of this.
	steady *steadyPlan
}

// PlanChecks looks ahead for a running job.
func (s *State) PlanChecks(j *Job, memo Rates) *CheckPlan {
	p := &CheckPlan{
		s: s, j: j, memo: memo, soon: make([]int64, len(s.byNumber)), alone: make([]int64, len(s.byNumber)),
		fresh: make([][]Place, len(s.byNumber)), begun: map[Place]NodeID{}, taken: map[Place]bool{}, opened: int(j.Next), extra: j.Attempts.Extra,
	}
	if j.steady() {
		p.steady = p.planSteady()
		return p
	}
	for owner, places := range j.tally.alone {
		p.alone[owner] = int64(len(places))
	}
	var pairs Prob
	for _, place := range j.OpenTasks() {
		pairs += p.look(place, j.Open[place])
	}
	rates := s.rates(j)
	if p.opened < j.Total() {
		pairs += j.tally.worth
	} else {
		pairs += s.pairRisk(j, rates) // the end must not be missed
	}
	for place := range j.tally.deep {
		if t := j.Open[place]; t == nil || !t.Disputed {
			pairs += s.doubt(j, place, rates)
		}
	}
	p.risk = pairs
	for owner := range p.alone {
		p.risk += p.share(ownerNumber(owner))
	}
	return p
}

// look counts in what is under way at an open task, and returns the error that
// will be left there.
func (p *CheckPlan) look(place Place, t *Task) Prob {
	if t.Disputed {
		return 0
	}
	closed := p.j.Closed[place].decided()
	running := p.s.timely(p.j, t)
	if !closed && len(running) == 1 {
		owner := p.s.Owners[running[0].Owner].number
		p.alone[owner]++
		p.fresh[owner] = append(p.fresh[owner], place)
		return 0
	}
	if len(running) == 0 {
		return 0
	}
	who, _ := p.s.supporters(p.j, place)
	if closed && len(who) == 1 {
		p.alone[who[0]]--
		p.soon[who[0]]++
	}
	sum := One
	for _, a := range running {
		o := p.s.Owners[a.Owner]
		p.soon[o.number]++
		sum = times(sum, odds(p.rate(o.number)))
	}
	if closed && len(who) == 1 {
		return times(sum, odds(p.rate(who[0])))
	}
	if closed {
		return 0 // the tally has it already, with one vote less
	}
	return sum
}

func (p *CheckPlan) checks(owner ownerNumber) uint64 {
	return p.j.tally.checks(p.s.byNumber[owner], uint64(p.soon[owner]))
}

func (p *CheckPlan) rate(owner ownerNumber) Prob {
	o := p.s.byNumber[owner]
	return ErrorRate(p.checks(owner), p.s.prior(o), p.s.liarsReturn())
}

// share is the part of the risk that rests on one owner's word alone.
func (p *CheckPlan) share(owner ownerNumber) Prob {
	if p.alone[owner] <= 0 {
		return 0
	}
	return Prob(p.alone[owner]) * p.rate(owner)
}

// spotShare is of how many tasks one is checked where the submitter accepts any
// error, since the machines are its own.
const spotShare = 20

// Behind says whether the next attempt should be a second opinion rather than a
// fresh task.
func (p *CheckPlan) Behind() bool {
	if p.steady != nil {
		return p.steady.behind()
	}
	if p.j.Spec.Trust.MaxError >= One {
		return p.extra*spotShare < uint64(p.opened)
	}
	return p.risk > p.j.Budget(p.opened)
}

// Begin counts in that a worker gets a fresh task.
func (p *CheckPlan) Begin(place Place, worker NodeID) {
	if p.steady != nil {
		p.begun[place] = worker
		return
	}
	n := p.numberOf(worker)
	p.risk -= p.share(n)
	p.alone[n]++
	p.risk += p.share(n)
	p.fresh[n] = append(p.fresh[n], place)
	p.begun[place] = worker
	p.opened++
}

// Take counts in that somebody gets a task that waits for an attempt: nobody
// else is to give a second opinion on it.
func (p *CheckPlan) Take(place Place) { p.taken[place] = true }

func (p *CheckPlan) numberOf(worker NodeID) ownerNumber {
	return p.s.Owners[p.s.Nodes[worker].Owner].number
}

// candidates is how many results are looked at for the one that is checked
// best: enough to come near the best of all, few enough to stay unpredictable.
const candidates = 16

// Likeness says how much two workers have in common that makes them less fit
// to check each other: 1 for nothing.
type Likeness func(a, b NodeID) int64

// Check chooses the task whose second opinion by this worker lowers the risk
// most: it checks the one as well as the other. draw gives a random number
// below n. What it chooses is counted in already.
func (p *CheckPlan) Check(worker NodeID, like Likeness, draw func(n int) int) (Place, bool) {
	if p.steady != nil {
		return p.steady.check(worker, like, draw)
	}
	checker := p.numberOf(worker)
	var best Place
	var most Prob = -1
	for range candidates {
		place, author, ok := p.sample(worker, draw)
		if !ok {
			continue
		}
		if gain := p.gain(p.numberOf(author), checker) / Prob(like(worker, author)); gain > most {
			best, most = place, gain
		}
	}
	if most < 0 {
		return p.deepen(worker, draw)
	}
	p.pair(best, checker)
	return best, true
}

// sample draws a result that rests on one word alone, and says whose word that is.
func (p *CheckPlan) sample(worker NodeID, draw func(n int) int) (place Place, author NodeID, ok bool) {
	n := ownerNumber(draw(len(p.alone)))
	if p.alone[n] <= 0 || n == p.numberOf(worker) {
		return 0, "", false
	}
	var settled []Place
	if int(n) < len(p.j.tally.alone) {
		settled = p.j.tally.alone[n]
	}
	if i := draw(len(settled) + len(p.fresh[n])); i < len(settled) {
		place = settled[i]
	} else {
		place = p.fresh[n][i-len(settled)]
	}
	author, ok = p.author(place)
	return place, author, ok && p.free(place, worker)
}

// author is the one worker that has voted for a result or, where nobody has yet, runs
// its task. A task with anybody else at it is spoken for.
func (p *CheckPlan) author(place Place) (by NodeID, ok bool) {
	if p.taken[place] {
		return "", false
	}
	if by, ok = p.begun[place]; ok {
		return by, true
	}
	t := p.j.task(place)
	if t == nil {
		for number := range p.j.tried(place) {
			return p.s.Numbered[number-1], true
		}
	}
	at := p.s.timely(p.j, t)
	for i := range t.Attempts {
		if a := &t.Attempts[i]; a.State == AttemptVoted {
			at = append(at, a)
		}
	}
	if len(at) != 1 {
		return "", false
	}
	return at[0].Worker, true
}

// free says whether a worker may get a task.
func (p *CheckPlan) free(place Place, worker NodeID) bool {
	owner := p.s.Nodes[worker].Owner
	if by, ok := p.begun[place]; ok {
		return p.s.Nodes[by].Owner != owner
	}
	if t := p.j.task(place); t != nil {
		return p.s.MayAttempt(p.j, t, worker, owner, false)
	}
	for number := range p.j.tried(place) {
		if p.s.Nodes[p.s.Numbered[number-1]].Owner == owner {
			return false
		}
	}
	return true
}

// newcomer is up to how many checks an owner is one: two newcomers say little
// about each other.
const newcomer = 3

// gain is by how much the risk falls when one owner checks another: the result
// itself gains a second word, and each of them a check that it survived, which
// speaks for all results that rest on its word. Those who have judged together
// before are paired less.
func (p *CheckPlan) gain(author, checker ownerNumber) Prob {
	gain := p.rate(author) + p.lift(author) + p.lift(checker)
	if p.checks(author) < newcomer && p.checks(checker) < newcomer {
		gain /= 4
	}
	return gain / Prob(1+p.j.tally.pairs[pairOf(author, checker)])
}

// lift is by how much one more check lowers what rests on an owner's word.
func (p *CheckPlan) lift(owner ownerNumber) Prob {
	return p.share(owner) / Prob(p.checks(owner)+1)
}

// pair counts in that an owner gives a second opinion on a task.
func (p *CheckPlan) pair(place Place, checker ownerNumber) {
	by, _ := p.author(place)
	author := p.numberOf(by)
	p.risk -= p.share(author) + p.share(checker)
	p.alone[author]--
	p.soon[author]++
	p.soon[checker]++
	p.risk += p.share(author) + p.share(checker) + times(odds(p.rate(author)), odds(p.rate(checker)))
	p.extra++
	p.taken[place] = true
}

// depth bounds how many tasks are looked at for the one that needs a third
// opinion most.
const depth = 256

// deepen chooses a task for a third opinion or more, once every task has been
// opened and none rests on one word alone: in small jobs and small grids.
func (p *CheckPlan) deepen(worker NodeID, draw func(n int) int) (Place, bool) {
	if p.opened < p.j.Total() {
		return 0, false
	}
	var best Place
	var most Prob
	for i := range min(depth, len(p.j.Closed)) {
		place := Place(i)
		if len(p.j.Closed) > depth {
			place = Place(draw(len(p.j.Closed)))
		}
		if e := p.error(place); e > most && p.free(place, worker) {
			best, most = place, e
		}
	}
	if most == 0 {
		return 0, false
	}
	checker := p.numberOf(worker)
	p.risk -= most - times(most, odds(p.rate(checker)))
	p.soon[checker]++
	p.extra++
	p.taken[best] = true
	return best, true
}

// error is what is left of a task's error probability, or 0 if somebody is at
// it already.
func (p *CheckPlan) error(place Place) Prob {
	t := p.j.task(place)
	if p.taken[place] || !p.j.Closed[place].decided() || t != nil && (t.Disputed || len(p.s.timely(p.j, t)) > 0) {
		return 0
	}
	who, contested := p.s.supporters(p.j, place)
	if contested {
		return 0
	}
	sum := One
	for _, owner := range who {
		o := p.s.byNumber[owner]
		sum = times(sum, p.s.rate(o, p.j.tally.checks(o, 0)).among)
	}
	return sum
}

// Exam is a task about which a lie came out, for a newcomer who has not run it:
// if it works with the liars, it lies about it too. draw is as for Check.
func (p *CheckPlan) Exam(worker NodeID, draw func(n int) int) (Place, bool) {
	if p.steady != nil {
		return 0, false // an exam would tell nothing: whoever sees knows that it is one
	}
	n := p.numberOf(worker)
	if len(p.j.tally.lies) == 0 || p.checks(n) > 0 || draw(4) == 0 {
		return 0, false
	}
	place := p.j.tally.lies[draw(len(p.j.tally.lies))]
	t := p.j.task(place)
	if p.taken[place] || !p.j.Closed[place].decided() || t.Disputed || !p.free(place, worker) {
		return 0, false
	}
	p.soon[n]++
	p.extra++
	p.taken[place] = true
	return place, true
}

// AllAsked says whether a job has all results but not the certainty that was
// asked for, and every one of these workers' owners has run every task.
func (s *State) AllAsked(j *Job, live []NodeID) bool {
	if j.State != JobRunning || j.Spec.Trust.Fixed() || j.Conceded || int(j.Next) < j.Total() || s.waits(j) || len(j.Unheld) > 0 || j.voteless() {
		return false
	}
	p := &CheckPlan{s: s, j: j}
	for place := range j.Next {
		for _, worker := range live {
			if !j.Closed[place].hopeless() && p.free(place, worker) {
				return false
			}
		}
	}
	return len(live) > 0
}
