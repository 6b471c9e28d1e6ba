// For the leader alone, when it plans, like checkplan.go.

package jobs

import (
	"math/bits"
	"slices"
)

// steadyPlan says which results of a job under the rule of steady checks to check next.
type steadyPlan struct {
	*CheckPlan
	// due are the results that the rule wants checked now, and that nobody is at.
	due []entry
	// asked counts the checks that the plan gives out.
	asked int
	// short: all tasks are open, and what is under way will not bring the risk down
	// to what the job may have.
	short bool
}

func (p *CheckPlan) planSteady() *steadyPlan {
	sp := &steadyPlan{CheckPlan: p}
	pass := p.s.meanPrior()
	ledgers := p.j.tally.ledgers
	for i := range ledgers {
		owner := (i + int(p.j.Attempts.Started)) % len(ledgers) // another one first each time
		if l := &ledgers[owner]; l.size() > 0 && len(sp.due) < maxDue {
			sp.look(l, sp.rate(ownerNumber(owner), l, pass))
		}
	}
	if len(sp.due) == 0 && p.opened == p.j.Total() {
		sp.complete()
	}
	return sp
}

// maxDue is of how many results that are due one plan knows: where there are more, of as
// many as it can have checked.
const maxDue = 2048

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
	return sp.memo.of(rateQuery{s.prior(s.byNumber[owner]), pass, j.aim(), rounded(n), s.liarsReturn()})
}

// rounded leaves of a number its first seven bits: a rate depends on it so little that it
// need not be reckoned anew for each. For fewer results more checks are needed.
func rounded(n int) int {
	spare := max(0, bits.Len(uint(n))-7)
	return n >> spare << spare
}

// Rates remembers from plan to plan how many checks results need, which takes long to find
// out. Plans that are made at the same time must not have the same.
type Rates map[rateQuery]Prob

// rateQuery is what it depends on.
type rateQuery struct {
	prior, pass, share Prob
	n                  int
	comeBack           bool
}

// maxRates bounds how many are remembered.
const maxRates = 1 << 14

func (m Rates) of(q rateQuery) Prob {
	rate, known := m[q]
	if !known {
		rate = rateOfChecks(q.prior, q.pass, q.share, q.n, q.comeBack)
		if len(m) >= maxRates {
			clear(m)
		}
		m[q] = rate
	}
	return rate
}

// look finds what is due among an author's results: with a rate of 0.3 those of whom the
// draw is in the first three tenths, with one of 1.3 all, and those once more.
func (sp *steadyPlan) look(l *ledger, rate Prob) {
	due := func(e entry, checks int) bool {
		return Prob(checks)*One+Prob(uint64(e.draw)*uint64(One)>>32) < rate
	}
	var walk func(i int)
	walk = func(i int) {
		if i >= len(l.alone) || len(sp.due) >= maxDue || !due(l.alone[i], 0) {
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
		if len(sp.due) < maxDue && due(e, len(e.checkers)) {
			sp.want(e)
		}
	}
}

func (sp *steadyPlan) want(e entry) {
	if !sp.spoken(e.place) {
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
	budget := j.aim() * Prob(j.Total())
	if s.steadyRisk(j) <= budget {
		return // whatever becomes of the checks under way
	}
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
		o := outlook{entry: e, passes: sp.s.passes(e), planned: sp.spoken(e.place)}
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

// spoken says whether somebody is asked about a result already.
func (sp *steadyPlan) spoken(place Place) bool {
	return sp.taken[place] || sp.j.agenda.checking.has(place) && len(sp.s.timely(sp.j, sp.j.Open[place])) > 0
}

// asks says whether any check is under way.
func (sp *steadyPlan) asks() bool {
	if sp.asked > 0 {
		return true
	}
	for place := range sp.j.agenda.checking.all {
		if len(sp.s.timely(sp.j, sp.j.Open[place])) > 0 {
			return true
		}
	}
	return false
}

// lastResort is any result on which a worker has not voted, where nobody else can go on:
// in small grids, in which everybody is asked about everything.
func (sp *steadyPlan) lastResort(worker NodeID) (Place, bool) {
	if !sp.short || sp.asks() {
		return 0, false
	}
	for place := range sp.j.Next {
		t := sp.j.task(place)
		if sp.spoken(place) || !sp.j.Closed[place].decided() || t != nil && t.Disputed || !sp.free(place, worker) {
			continue
		}
		sp.take(place)
		return place, true
	}
	return 0, false
}
