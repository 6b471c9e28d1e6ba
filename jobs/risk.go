package jobs

import "math/bits"

// Risk is the expected number of wrong results among a job's accepted ones, in
// billionths of a result (One is one wrong result): the sum of their error
// probabilities.
func (s *State) Risk(j *Job) Prob {
	if j.steady() {
		return s.steadyRisk(j)
	}
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

// pairRisk is what the results that rest on two owners add to the risk.
func (s *State) pairRisk(j *Job, rates []rate) Prob {
	var sum Prob
	for p, n := range j.tally.pairs {
		sum += Prob(n) * times(rates[p.a].among, rates[p.b].among)
	}
	return sum
}

// doubt is the probability that a result on which three or more have voted is
// wrong. Where votes differ, somebody lies about this very task, however rarely
// it does otherwise: then only what is known of the owners beforehand counts.
func (s *State) doubt(j *Job, place Place, rates []rate) Prob {
	who, contested := s.supporters(j, place)
	if contested {
		return One - s.standing(j.task(place), j.Closed[place].vote())
	}
	sum := One
	for _, owner := range who {
		if sum > 1 {
			sum = times(sum, rates[owner].among)
		}
	}
	return sum
}

// appraiseEvery is after how many commands what the pairs are worth is
// computed again, for plans only: it changes little from one to the next.
const appraiseEvery = 32

func (s *State) appraise(j *Job) {
	if j.tally.appraised--; j.tally.appraised < 0 && j.State == JobRunning && !j.Spec.Trust.Fixed() && !j.steady() {
		j.tally.worth, j.tally.appraised = s.pairRisk(j, s.rates(j)), appraiseEvery
	}
}

// Bound is the expected share of wrong results among a job's accepted ones; 0
// under fixed replication, which promises nothing.
func (s *State) Bound(j *Job) Prob {
	if j.Spec.Trust.Fixed() || j.State != JobRunning || j.Settled() == 0 {
		return j.Bound
	}
	return ceil(s.Risk(j), Prob(j.Settled()))
}

// Budget is how much Risk a job may run when so many of its tasks have a result or
// are on the way to one: an expected number of wrong results, in billionths of a
// result, and not a share. It is aim·√(opened·total), which for the last task is what
// the whole job may have. So checks come early, when they cost the least: a liar that
// is caught early leaves little to do again. They go on to the end, since a liar may
// begin late.
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
