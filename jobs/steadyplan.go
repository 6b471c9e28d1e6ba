// For the leader alone, when it plans, like checkplan.go.

package jobs

import "slices"

// steadyPlan says which results of a job under the rule of steady checks to check next.
type steadyPlan struct {
	*CheckPlan
	// due are the results that the rule wants checked now, and that nobody is at.
	due []entry
	// asked counts the checks that are under way.
	asked int
	// short: all tasks are open, and what is under way will not bring the risk down
	// to what the job may have.
	short bool
}

func (p *CheckPlan) planSteady() *steadyPlan {
	sp := &steadyPlan{CheckPlan: p}
	for place, t := range p.j.Open {
		if t.owners() > 0 && len(p.s.timely(p.j, t)) > 0 {
			p.taken[place] = true
			sp.asked++
		}
	}
	pass := p.s.meanPrior()
	for owner := range p.j.tally.ledgers {
		if l := &p.j.tally.ledgers[owner]; l.size() > 0 {
			sp.look(l, sp.rate(ownerNumber(owner), l, pass))
		}
	}
	if len(sp.due) == 0 && p.opened == p.j.Total() {
		sp.complete()
	}
	return sp
}

// meanPrior is what is thought of whoever will check next.
func (s *State) meanPrior() Prob {
	var sum, n Prob
	for _, o := range s.byNumber {
		if o.works && o.Banned == "" {
			sum += s.prior(o)
			n++
		}
	}
	if n == 0 {
		return s.prior(&Owner{})
	}
	return ceil(sum, n)
}

// aFew results are what an author is taken to have besides those it has: the first few say
// little about how many there will be.
const aFew = 10

// rate is how many checks each of an author's results needs. How many there will be is
// reckoned from the part of the job that is done, as if everybody had a few more: the rate
// must be the same from the first to the last.
func (sp *steadyPlan) rate(owner ownerNumber, l *ledger, pass Prob) Prob {
	s, j := sp.s, sp.j
	if j.Spec.Trust.MaxError >= One {
		return One / spotShare
	}
	n := max(l.size(), (l.size()+aFew)*j.Total()/(j.Settled()+aFew*(s.crew-s.bannedCrew)))
	return rateOfChecks(s.prior(s.byNumber[owner]), pass, j.aim(), n, s.liarsReturn())
}

// look finds what is due among an author's results: with a rate of 0.3 those of whom the
// draw is in the first three tenths, with one of 1.3 all, and those once more.
func (sp *steadyPlan) look(l *ledger, rate Prob) {
	due := func(e entry, checks int) bool {
		return Prob(checks)*One+Prob(uint64(e.draw)*uint64(One)>>32) < rate
	}
	var walk func(i int)
	walk = func(i int) {
		if i >= len(l.alone) || !due(l.alone[i], 0) {
			return
		}
		sp.want(l.alone[i])
		walk(2*i + 1)
		walk(2*i + 2)
	}
	walk(0)
	if rate <= One {
		return
	}
	for _, e := range l.checked {
		if due(e, len(e.checkers)) {
			sp.want(e)
		}
	}
}

func (sp *steadyPlan) want(e entry) {
	if !sp.taken[e.place] {
		sp.due = append(sp.due, e)
	}
}

// maxCompleted bounds how many results one plan adds once all tasks are open.
const maxCompleted = 256

// complete adds, once all tasks are open, what is missing because some author had fewer
// results than was reckoned with, or fewer of them were drawn: each time the result whose
// check lowers the risk most.
func (sp *steadyPlan) complete() {
	s, j := sp.s, sp.j
	authors := make([]*prospect, len(j.tally.ledgers))
	var risk Prob
	for owner := range j.tally.ledgers {
		if l := &j.tally.ledgers[owner]; l.size() > 0 {
			authors[owner] = sp.prospect(ownerNumber(owner), l)
			risk += authors[owner].risk
		}
	}
	for place := range j.tally.deep {
		if t := j.Open[place]; t == nil || !t.Disputed {
			risk += One - s.standing(j.task(place), j.Closed[place].vote())
		}
	}
	budget := j.aim() * Prob(j.Total())
	sp.short = risk > budget
	for range maxCompleted {
		var best *prospect
		for _, a := range authors {
			if a != nil && a.next >= 0 && (best == nil || a.gain > best.gain) {
				best = a
			}
		}
		if risk <= budget || best == nil {
			return
		}
		risk -= best.gain
		sp.due = append(sp.due, best.list[best.next].entry)
		best.check()
	}
}

// prospect is what an author's results will be worth once all checks under way, and those
// that are planned, have ended well.
type prospect struct {
	prior, pass Prob
	comeBack    bool
	list        []outlook
	risk, gain  Prob
	next        int // to be checked; -1: none
}

type outlook struct {
	entry
	passes  Prob
	planned bool
}

func (sp *steadyPlan) prospect(owner ownerNumber, l *ledger) *prospect {
	a := &prospect{prior: sp.s.prior(sp.s.byNumber[owner]), pass: sp.s.prior(&Owner{}), comeBack: sp.s.liarsReturn()}
	for _, e := range slices.Concat(l.alone, l.checked) {
		o := outlook{entry: e, passes: sp.s.passes(e), planned: sp.taken[e.place]}
		if o.planned {
			o.passes = times(o.passes, a.pass)
		}
		a.list = append(a.list, o)
	}
	slices.SortFunc(a.list, func(x, y outlook) int { return compareEntries(x.entry, y.entry) })
	a.risk = a.reckon()
	a.choose()
	return a
}

// reckon is the author's part of the risk.
func (a *prospect) reckon() Prob {
	var sum, most Prob
	for i := range a.list {
		most = max(most, a.list[i].passes)
		sum += most
	}
	return times(worst(ceil(sum, Prob(len(a.list))), len(a.list), a.comeBack), a.prior)
}

// choose finds the first result in the order that holds the sample up, and what its check
// would gain.
func (a *prospect) choose() {
	a.next = -1
	for i := range a.list {
		if !a.list[i].planned && (a.next < 0 || a.list[i].passes > a.list[a.next].passes) {
			a.next = i
		}
	}
	if a.next < 0 {
		return
	}
	o := &a.list[a.next]
	before := o.passes
	o.passes = times(before, a.pass)
	a.gain = a.risk - a.reckon()
	o.passes = before
}

func (a *prospect) check() {
	o := &a.list[a.next]
	o.passes, o.planned = times(o.passes, a.pass), true
	a.risk -= a.gain
	a.choose()
}

func (sp *steadyPlan) behind() bool { return len(sp.due) > 0 || sp.short }

// check chooses one of the results that are due, by somebody who has the least in common
// with the worker.
func (sp *steadyPlan) check(worker NodeID, like Likeness, draw func(n int) int) (Place, bool) {
	best, least := -1, int64(0)
	for range min(candidates, len(sp.due)) {
		i := draw(len(sp.due))
		if l := like(worker, sp.authorOf(i)); (best < 0 || l < least) && sp.free(sp.due[i].place, worker) {
			best, least = i, l
		}
	}
	for i := 0; best < 0 && i < len(sp.due); i++ {
		if sp.free(sp.due[i].place, worker) {
			best = i
		}
	}
	if best < 0 {
		return sp.lastResort(worker)
	}
	place := sp.due[best].place
	sp.due = slices.Delete(sp.due, best, best+1)
	sp.take(place)
	return place, true
}

func (sp *steadyPlan) authorOf(i int) NodeID { return sp.s.Numbered[sp.due[i].by-1] }

func (sp *steadyPlan) take(place Place) {
	sp.taken[place] = true
	sp.asked++
	sp.extra++
}

// lastResort is any result on which a worker has not voted, where nobody else can go on:
// in small grids, in which everybody is asked about everything.
func (sp *steadyPlan) lastResort(worker NodeID) (Place, bool) {
	if !sp.short || sp.asked > 0 {
		return 0, false
	}
	for place := range sp.j.Next {
		t := sp.j.task(place)
		if sp.taken[place] || !sp.j.Closed[place].decided() || t != nil && t.Disputed || !sp.free(place, worker) {
			continue
		}
		sp.take(place)
		return place, true
	}
	return 0, false
}
