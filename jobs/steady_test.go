package jobs

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// This is a dumb version of the rule of steady checks, from all votes that were sent.

// ownResult is a result as it stands in its author's order.
type ownResult struct {
	draw   uint32
	place  Place
	passes float64
}

// steadyWrong is how many of a job's accepted results are expected to be wrong at most.
func (m *trusting) steadyWrong(id JobID) float64 {
	j, sum := m.Jobs[id], 0.0
	authors := map[OwnerID][]ownResult{}
	said := m.opinions(id)
	for place := range j.Next {
		c := &j.Closed[place]
		if !c.decided() {
			continue
		}
		if here := said[place]; len(here) > 1 {
			sum += 1 - m.posterior(here, c.vote())
			continue
		}
		if author, r, found := m.ownResult(id, place); found {
			authors[author] = append(authors[author], r)
		}
	}
	for owner, list := range authors {
		slices.SortFunc(list, func(a, b ownResult) int {
			return cmp.Or(cmp.Compare(a.draw, b.draw), cmp.Compare(a.place, b.place))
		})
		mean, most := 0.0, 0.0
		for _, r := range list {
			most = max(most, r.passes)
			mean += most / float64(len(list))
		}
		sum += m.floatPrior(owner) * worstOf(mean, len(list), m.tooMany())
	}
	return sum
}

// ownResult says whose a result is: of whom the first vote came. Those count as its
// checkers who got their leases later, and are somebody else.
func (m *trusting) ownResult(id JobID, place Place) (OwnerID, ownResult, bool) {
	var first *statement
	for _, s := range m.said {
		if s.job == id && s.place == place && (first == nil || s.number < first.number) {
			first = &s
		}
	}
	if first == nil {
		return "", ownResult{}, false
	}
	checkers := map[OwnerID]bool{}
	for _, s := range m.said {
		if s.job == id && s.place == place && s.given >= first.number && s.owner != first.owner {
			checkers[s.owner] = true
		}
	}
	r := ownResult{m.Jobs[id].drawOf(place, m.Nodes[first.worker].Number), place, 1}
	for c := range checkers {
		r.passes *= m.floatPrior(c)
	}
	return first.owner, r, true
}

// worstOf tries every number of lies.
func worstOf(x float64, n int, comeBack bool) (most float64) {
	if x > 1-1e-12 {
		return float64(n)
	}
	if comeBack {
		return min(float64(n), x/(1-x))
	}
	for m := range n + 1 {
		most = max(most, float64(m)*math.Pow(x, float64(m)))
	}
	return most
}

func TestWorstAgreesWithFloatingPoint(t *testing.T) {
	for _, n := range []int{1, 2, 3, 10, 100, 5000} {
		for _, x := range []float64{0, 1e-9, 0.04, 0.2, 0.3333, 0.5, 0.75, 0.9, 0.99, 0.9999, 0.999999999, 1} {
			for _, comeBack := range []bool{false, true} {
				got, want := float64(worst(Prob(math.Round(x*1e9)), n, comeBack))/1e9, worstOf(x, n, comeBack)
				if got < want-1e-9 || got > want*(1+1e-9*float64(n))+float64(n)*2e-9 {
					t.Errorf("of %d of which %v passes %v are wrong at most, want %v; come back: %v", n, x, got, want, comeBack)
				}
			}
		}
	}
}

// With as many checks as rateOfChecks asks for the share is what is allowed, with fewer it
// is not.
func TestRateOfChecks(t *testing.T) {
	const pass = One / 5
	for _, n := range []int{1, 5, 100, 1000, 100_000} {
		for _, share := range []Prob{One / 100_000, One / 10_000, One / 1000, One / 100} {
			rate := rateOfChecks(One/5, pass, share, n, false)
			x := One
			for left := rate; left > 0; left -= One {
				if left >= One {
					x = times(x, pass)
				} else {
					x -= times(left, x-times(x, pass))
				}
			}
			least := One / 50
			if got := times(worst(x, n, false), One/5) / Prob(n); got > share+2 || rate > least && got < share-share/least-share/10 {
				t.Errorf("n %d, %v: at a rate of %v a share of %v is wrong", n, share, rate, got)
			}
		}
	}
	// The figures of the derivation in RATIONALE.md.
	for _, c := range []struct {
		share Prob
		n     int
		want  float64
	}{{One / 1000, 100, 0.625}, {One / 1000, 1000, 0.0887}, {One / 1000, 500, 0.171}, {One / 10_000, 1000, 0.625}} {
		if got := float64(rateOfChecks(One/5, One/5, c.share, c.n, false)) / 1e9; math.Abs(got-c.want) > 0.001 {
			t.Errorf("%v, %d results: a rate of %.4f, want %.4f", c.share, c.n, got, c.want)
		}
	}
}

// Whoever votes, in whatever way and at whatever time he lies, leaves no more wrong
// results than worst says: a liar draws a strategy, and a sample is checked by others of
// whom a share are his accomplices.
func TestNoStrategyBeatsTheBound(t *testing.T) {
	const n, f, rounds = 60, 0.2, 20_000
	r := rand.New(rand.NewPCG(1, 2))
	for _, checked := range []int{3, 10, 30, 60} {
		x := 1 - float64(checked)/n*(1-f)
		bound := worstOf(x, n, false)
		for range 20 {
			begin, rate, quota := r.IntN(n), r.Float64()*r.Float64(), 1+r.IntN(n)
			left := 0
			for range rounds {
				order := r.Perm(n) // of place i is order[i]: he does not know it when he votes
				lies, caught := 0, false
				for i := begin; i < n && lies < quota; i++ {
					if r.Float64() < rate {
						lies++
						caught = caught || order[i] < checked && r.Float64() >= f
					}
				}
				if !caught {
					left += lies
				}
			}
			if got := float64(left) / rounds; got > bound*1.05 {
				t.Errorf("%d of %d checked: from %d on at a rate of %.2f, at most %d lies, leaves %.3f wrong, more than %.3f", checked, n, begin, rate, quota, got, bound)
			}
		}
	}
}
