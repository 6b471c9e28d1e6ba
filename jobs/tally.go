package jobs

import "slices"

// tally counts on whose word a job's accepted results rest. It is derived from
// the job's tasks: what the expected error is reckoned from without a walk
// over all of them, and where placement finds tasks to check.
type tally struct {
	// alone lists by owner's number the places that rest on his word alone.
	alone [][]uint32
	// slot is where each place is in its list.
	slot []uint32
	// pairs counts the results that rest on two owners.
	pairs map[pair]int64
	// checked counts by owner's number the results of this job in which he was
	// checked.
	checked []uint64
	// deep are the places that rest on more owners, or are contested.
	deep map[uint32]bool
	// worth is what the pairs add to the risk, as of some commands ago: see
	// appraise.
	worth     Prob
	appraised int
	// lies are the places about which a lie came out.
	lies []uint32
}

// pair is two owners by their numbers, the smaller first.
type pair struct{ a, b uint32 }

func pairOf(a, b uint32) pair { return pair{min(a, b), max(a, b)} }

func newTally() *tally { return &tally{pairs: map[pair]int64{}, deep: map[uint32]bool{}} }

// count enters a place into the tally, discount takes it out again. Whoever
// changes the votes of an accepted task discounts it before and counts it
// after.
func (s *State) count(j *Job, place uint32) {
	if j.State != JobRunning || j.Closed[place].open() {
		return
	}
	who, contested := s.supporters(j, place)
	j.tally.check(who, 1)
	switch {
	case contested || len(who) > 2:
		j.tally.deep[place] = true
	case len(who) == 2:
		j.tally.pairs[pairOf(who[0], who[1])]++
	case len(who) == 1:
		j.tally.push(who[0], place)
	}
}

func (s *State) discount(j *Job, place uint32) {
	if j.State != JobRunning || j.Closed[place].open() {
		return
	}
	who, contested := s.supporters(j, place)
	j.tally.check(who, -1)
	switch {
	case contested || len(who) > 2:
		delete(j.tally.deep, place)
	case len(who) == 2:
		p := pairOf(who[0], who[1])
		if j.tally.pairs[p]--; j.tally.pairs[p] == 0 {
			delete(j.tally.pairs, p)
		}
	case len(who) == 1:
		j.tally.pull(who[0], place)
	}
}

// check counts owners whose votes agree. -1 takes it back.
func (t *tally) check(who []uint32, n int) {
	if len(who) < 2 {
		return
	}
	for _, owner := range who {
		for len(t.checked) <= int(owner) {
			t.checked = append(t.checked, 0)
		}
		t.checked[owner] += uint64(n)
	}
}

func (t *tally) push(owner, place uint32) {
	for len(t.alone) <= int(owner) {
		t.alone = append(t.alone, nil)
	}
	for len(t.slot) <= int(place) {
		t.slot = append(t.slot, 0)
	}
	t.slot[place] = uint32(len(t.alone[owner]))
	t.alone[owner] = append(t.alone[owner], place)
}

func (t *tally) pull(owner, place uint32) {
	list := t.alone[owner]
	last := list[len(list)-1]
	list[t.slot[place]] = last
	t.slot[last] = t.slot[place]
	t.alone[owner] = list[:len(list)-1]
}

// supporters are the owners, by number, who voted for a task's accepted result,
// and whether votes for others stand against them.
func (s *State) supporters(j *Job, place uint32) (who []uint32, contested bool) {
	c := &j.Closed[place]
	t := j.task(place)
	if t == nil {
		for _, v := range c.Voters {
			if v != 0 {
				who = add(who, s.ownerAt(v).number)
			}
		}
		return who, false
	}
	for i := range t.Attempts {
		a := &t.Attempts[i]
		switch {
		case a.State != AttemptVoted:
		case a.Vote == c.vote():
			who = add(who, s.Owners[a.Owner].number)
		default:
			contested = true
		}
	}
	return who, contested
}

// pairRisk is what the results that rest on two owners add to the risk.
func (s *State) pairRisk(j *Job, rates []rate) Prob {
	var sum Prob
	for p, n := range j.tally.pairs {
		sum += Prob(n) * times(rates[p.a].among, rates[p.b].among)
	}
	return sum
}

// appraiseEvery is after how many commands what the pairs are worth is
// reckoned anew, for plans only: it changes little from one to the next.
const appraiseEvery = 32

func (s *State) appraise(j *Job) {
	if j.tally.appraised--; j.tally.appraised < 0 && j.State == JobRunning && !j.Spec.Trust.Fixed() {
		j.tally.worth, j.tally.appraised = s.pairRisk(j, s.rates(j)), appraiseEvery
	}
}

// add keeps the list free of duplicates: an owner's second vote says nothing.
func add(who []uint32, owner uint32) []uint32 {
	if slices.Contains(who, owner) {
		return who
	}
	return append(who, owner)
}

// ownerAt is the owner of the node with this number, counted from 1.
func (s *State) ownerAt(number uint32) *Owner { return s.Owners[s.Nodes[s.Numbered[number-1]].Owner] }

// Risk is the expected number of wrong results among a job's accepted ones, as
// a share of one result: the sum of their error probabilities.
func (s *State) Risk(j *Job) Prob {
	rates := s.rates(j)
	var sum Prob
	for owner, places := range j.tally.alone {
		sum += Prob(len(places)) * rates[owner].alone
	}
	sum += s.pairRisk(j, rates)
	for place := range j.tally.deep {
		sum += s.doubt(j, place, rates)
	}
	return sum
}

// rate is what an owner's word is worth.
type rate struct {
	// alone is how often his word alone is wrong; among are the odds of that
	// in a group of equal votes, where the check that this very group was for
	// him does not count.
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
// who has been honest for long may begin to lie, and must be checked for it.
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

// doubt is the probability that a result on which three or more have voted is
// wrong. Where votes differ, somebody lies about this very task, however rarely
// he does otherwise: then only what is known of the owners beforehand counts.
func (s *State) doubt(j *Job, place uint32, rates []rate) Prob {
	t, accepted := j.task(place), j.Closed[place].vote()
	sum := One
	for i := range t.Attempts {
		a := &t.Attempts[i]
		switch {
		case a.State != AttemptVoted:
		case a.Vote != accepted:
			return One - s.standing(t, accepted)
		case sum > 1:
			sum = times(sum, rates[s.Owners[a.Owner].number].among)
		}
	}
	return sum
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
