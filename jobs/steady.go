package jobs

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
	"slices"
)

// The rule of steady checks: what a job's results are worth where liars see which tasks
// are checked, bring any history, and begin to lie when they like.
//
// Each result is its author's, whose vote was in first. Those who were asked afterwards,
// and agree, are its checkers: with the probability that all of them are liars as well, a
// lie passes them. The checkers themselves get nothing for it, since they may have known.
//
// A secret of the job, Job.Draws, puts each author's results in a random order, which nobody knows
// when he votes. Only how far his results are checked without a gap in that order
// counts: that is a sample which does not depend on what he did, or when. Let x be the
// mean of what passes, with 1 for all results after the gap. Of m lies none is noticed
// with a probability of at most x^m, so that he leaves at most max m·x^m wrong results,
// whatever he does: see worst. The sum over all authors, each times its prior, is the
// job's risk. RATIONALE.md derives it.

// steady says whether a job is judged so; one with a fixed quorum is not.
func (j *Job) steady() bool { return j.Steady && !j.Spec.Trust.Fixed() }

// aim is what is worked towards. How many checks there are does not depend on what they
// say, so nothing needs to be held back for looking at the risk again and again.
func (j *Job) aim() Prob {
	if j.steady() {
		return j.Spec.Trust.MaxError
	}
	return j.Spec.Trust.aim()
}

// entry is a result in the order in which its author's are checked.
type entry struct {
	draw     uint32
	place    Place
	by       NodeNumber    // its author's
	checkers []ownerNumber // who were asked after its author had voted, and agree
}

// drawOf is what puts a result in the order of its author's. It depends on the worker,
// so that a result which is computed again says nothing of where it stands. It is a digest
// since authors learn which of theirs were checked, and must not learn the next.
func (j *Job) drawOf(place Place, by NodeNumber) uint32 {
	var in [16]byte
	binary.BigEndian.PutUint64(in[:], j.Draws)
	binary.BigEndian.PutUint32(in[8:], uint32(by))
	binary.BigEndian.PutUint32(in[12:], uint32(place))
	sum := sha256.Sum256(in[:])
	return binary.BigEndian.Uint32(sum[:])
}

// orderOf is the seed of the order in which a job's tasks are opened. That is no secret:
// workers see it. None stays none.
func orderOf(draws uint64) uint64 {
	if draws == 0 {
		return 0
	}
	sum := sha256.Sum256(binary.BigEndian.AppendUint64([]byte("order"), draws))
	return binary.BigEndian.Uint64(sum[:])
}

func (e entry) before(o entry) bool {
	return e.draw < o.draw || e.draw == o.draw && e.place < o.place
}

func compareEntries(a, b entry) int {
	switch {
	case a.before(b):
		return -1
	case b.before(a):
		return 1
	}
	return 0
}

// ledger are an author's results in a job.
type ledger struct {
	alone   []entry // a heap: the first in the order is on top
	checked []entry // in the order
}

func (l *ledger) size() int { return len(l.alone) + len(l.checked) }

// backing is what stands behind an accepted result: whose it is, and who checked it.
func (s *State) backing(j *Job, place Place) (author ownerNumber, e entry, contested, found bool) {
	t, accepted := j.task(place), j.Closed[place].vote()
	if t == nil {
		t = s.remember(j, place)
	}
	first := t.author(accepted)
	if first == nil {
		return 0, entry{}, false, false
	}
	by := s.Nodes[first.Worker].Number
	author, e = s.Owners[first.Owner].number, entry{draw: j.drawOf(place, by), place: place, by: by}
	for i := range t.Attempts {
		a := &t.Attempts[i]
		switch {
		case a.State != AttemptVoted:
		case a.Vote != accepted:
			contested = true
		case a.Owner != first.Owner && a.Seen >= first.Turn:
			e.checkers = add(e.checkers, s.Owners[a.Owner].number)
		}
	}
	return author, e, contested, true
}

// author is the vote for a result that was in before all others that stand for it.
func (t *Task) author(v Vote) (first *Attempt) {
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if a.State == AttemptVoted && a.Vote == v && (first == nil || a.Turn < first.Turn) {
			first = a
		}
	}
	return first
}

// cast is how many votes have come in on a task, with those that stand no more.
func (t *Task) cast() (n uint32) {
	for i := range t.Attempts {
		n = max(n, t.Attempts[i].Turn)
	}
	return n
}

// orderly says that the votes for a result came in the order of the leases, and that all
// but the first were asked for once the first was in: then it need not be kept.
func (t *Task) orderly(v Vote) bool {
	first, last := t.author(v), uint32(0)
	for i := range t.Attempts {
		a := &t.Attempts[i]
		if a.State != AttemptVoted || a.Vote != v {
			continue
		}
		if a.Turn < last || a != first && a.Seen < first.Turn {
			return false
		}
		last = a.Turn
	}
	return true
}

// tooSoon says that a second opinion may not be asked for yet: the first vote is not in,
// and whoever has the task sees that another has it, too.
func (s *State) tooSoon(j *Job, t *Task) bool {
	return j.steady() && t.owners() == 0 && len(s.timely(j, t)) > 0
}

// enter and leave keep the ledgers, as count and discount do the rest of the tally.
func (s *State) enter(j *Job, place Place) {
	author, e, contested, found := s.backing(j, place)
	switch {
	case contested:
		j.tally.deep[place] = true
	case found:
		j.tally.ledger(author).add(e, &j.tally.slot)
	}
}

func (s *State) leave(j *Job, place Place) {
	author, e, contested, found := s.backing(j, place)
	switch {
	case contested:
		delete(j.tally.deep, place)
	case found:
		j.tally.ledger(author).remove(e, j.tally.slot)
	}
}

func (t *tally) ledger(owner ownerNumber) *ledger {
	for len(t.ledgers) <= int(owner) {
		t.ledgers = append(t.ledgers, ledger{})
	}
	return &t.ledgers[owner]
}

func (l *ledger) add(e entry, slot *[]uint32) {
	if len(e.checkers) > 0 {
		i, _ := slices.BinarySearchFunc(l.checked, e, compareEntries)
		l.checked = slices.Insert(l.checked, i, e)
		return
	}
	for len(*slot) <= int(e.place) {
		*slot = append(*slot, 0)
	}
	l.alone = append(l.alone, e)
	l.up(len(l.alone)-1, *slot)
}

func (l *ledger) remove(e entry, slot []uint32) {
	if len(e.checkers) > 0 {
		i, _ := slices.BinarySearchFunc(l.checked, e, compareEntries)
		l.checked = slices.Delete(l.checked, i, i+1)
		return
	}
	i, last := int(slot[e.place]), len(l.alone)-1
	moved := l.alone[last]
	l.alone = l.alone[:last]
	if i == last {
		return
	}
	l.alone[i] = moved
	l.up(i, slot)
	l.down(int(slot[moved.place]), slot)
}

func (l *ledger) up(i int, slot []uint32) {
	e := l.alone[i]
	for i > 0 && e.before(l.alone[(i-1)/2]) {
		l.alone[i] = l.alone[(i-1)/2]
		slot[l.alone[i].place] = uint32(i)
		i = (i - 1) / 2
	}
	l.alone[i] = e
	slot[e.place] = uint32(i)
}

func (l *ledger) down(i int, slot []uint32) {
	e := l.alone[i]
	for 2*i+1 < len(l.alone) {
		child := 2*i + 1
		if child+1 < len(l.alone) && l.alone[child+1].before(l.alone[child]) {
			child++
		}
		if !l.alone[child].before(e) {
			break
		}
		l.alone[i] = l.alone[child]
		slot[l.alone[i].place] = uint32(i)
		i = child
	}
	l.alone[i] = e
	slot[e.place] = uint32(i)
}

// passes is the probability that a lie passes a result's checkers.
func (s *State) passes(e entry) Prob {
	p := One
	for _, c := range e.checkers {
		p = times(p, s.prior(s.byNumber[c]))
	}
	return p
}

// passing is the mean of what passes over an author's results, with what the sample that
// counts is worth.
func (s *State) passing(l *ledger) Prob {
	var sum, most Prob
	n := 0
	for _, e := range l.checked {
		if len(l.alone) > 0 && l.alone[0].before(e) {
			break
		}
		most = max(most, s.passes(e))
		sum += most
		n++
	}
	if len(l.alone) > 0 {
		sum += Prob(l.size()-n) * One
	}
	return ceil(sum, Prob(l.size()))
}

// steadyRisk is the risk of a job under the rule of steady checks.
func (s *State) steadyRisk(j *Job) Prob {
	var sum Prob
	for owner := range j.tally.ledgers {
		if l := &j.tally.ledgers[owner]; l.size() > 0 {
			sum += times(worst(s.passing(l), l.size(), s.liarsReturn()), s.prior(s.byNumber[owner]))
		}
	}
	for place := range j.tally.deep {
		sum += One - s.standing(j.task(place), j.Closed[place].vote())
	}
	return sum
}

// worst is how many wrong results, in billionths of one, a liar leaves at most among n of
// which any passes with probability x: the greatest m·x^m. It grows while m is less than
// x/(1-x). Where liars who are caught come back, it is how many lies they tell before the
// next is noticed, x/(1-x).
func worst(x Prob, n int, comeBack bool) Prob {
	all := Prob(n) * One
	if x >= One {
		return all
	}
	if comeBack {
		return min(all, ceil(x*One, One-x))
	}
	m := x / (One - x)
	low, high := max(1, min(m, Prob(n))), min(m+1, Prob(n))
	return max(low*power(x, uint64(low)), high*power(x, uint64(high)))
}

// power is x^m, rounded up.
func power(x Prob, m uint64) Prob {
	p := One
	for i := bits.Len64(m) - 1; i >= 0; i-- {
		p = times(p, p)
		if m>>i&1 == 1 {
			p = times(p, x)
		}
	}
	return p
}

// rateOfChecks is how many checks each of n results of an author needs, in billionths of
// one, so that he leaves no more than the share of wrong ones that is allowed. pass is what
// passes one check.
func rateOfChecks(prior, pass, share Prob, n int, comeBack bool) Prob {
	enough := func(x Prob) bool { return times(worst(x, n, comeBack), prior) <= share*Prob(n) }
	if enough(One) {
		return 0
	}
	low, high := Prob(0), One // the greatest x that is enough is between them
	for high-low > 1 {
		if mid := (low + high) / 2; enough(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	var rate Prob
	level := One
	for rate < maxWant*One && times(level, pass) > low {
		level = times(level, pass)
		rate += One
	}
	return rate + ceil((level-low)*One, level-times(level, pass))
}
