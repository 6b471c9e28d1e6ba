package jobs

import (
	"fmt"
	"math"
	"math/bits"
	"strings"
)

// Prob is a probability or a share in parts per billion. Trust is computed in
// integers, since floating point differs between processors.
type Prob int64

// One is certainty.
const One Prob = 1_000_000_000

// DefaultSaboteurs is the share of strangers that a grid takes for saboteurs
// if it was founded without saying otherwise.
const DefaultSaboteurs = One / 5

// MaxPrior is the largest share that the grid can be told: of those among whom
// most are liars, nobody can be believed.
const MaxPrior = One / 2

// String writes the share as a decimal fraction, exactly.
func (p Prob) String() string {
	s := fmt.Sprintf("%d.%09d", p/One, p%One)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// euler is the base of the natural logarithm.
const euler Prob = 2_718_281_828

// maxChecks is from where on more checks make no difference.
const maxChecks = 1_000_000_000

// ErrorRate bounds from above how often an owner is wrong who survived checks,
// whatever its cheating rate c. Of owners of whom a share f cheats, those who
// are left after k checks are wrong in
//
//	c·f·(1-c)^k / (1-f + f·(1-c)^k)  <=  f / ((1-f)·k·e)
//
// of their tasks where liars are banned; f/k where they come back under fresh
// names (Sarmenta, Sabotage-tolerance mechanisms for volunteer computing
// systems, 2002, section 4).
func ErrorRate(checks uint64, f Prob, comeBack bool) Prob {
	k := Prob(min(checks, maxChecks))
	switch {
	case k == 0:
		return f
	case comeBack:
		return max(1, ceil(f, k))
	}
	return max(1, min(f, ceil(odds(f)*One, k*euler)))
}

// odds are p to 1-p, rounded up.
func odds(p Prob) Prob { return ceil(p*One, One-p) }

func ceil(a, b Prob) Prob { return (a + b - 1) / b }

// times is the product of two shares, rounded up.
func times(a, b Prob) Prob {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	q, rest := bits.Div64(hi, lo, uint64(One))
	if rest > 0 {
		q++
	}
	return Prob(q)
}

// Posterior is Bayes' rule for groups of equal votes: groups[g] are the error
// rates of those who voted for g. It gives the probability of each group to be
// right: the product of its members' credibilities and of the others' error
// rates, normalised over "this group is right" for each group and "none is".
func Posterior(groups [][]Prob) []Prob {
	weights := make([]weight, len(groups)+1) // the last: none is right
	for h := range weights {
		weights[h].bits = 1
	}
	for g, members := range groups {
		for _, e := range members {
			for h := range weights {
				if h == g {
					weights[h].times(One - e)
				} else {
					weights[h].times(e)
				}
			}
		}
	}
	return normalise(weights)[:len(groups)]
}

// weight is bits/2^down: only the ratios of weights count, and each may become
// too small for a mere integer before others do.
type weight struct {
	bits uint64
	down int
}

// weightBits leaves room to add up some thousand weights.
const weightBits = 52

// times scales both factors up before it rounds, so that the product is as
// precise as they are.
func (w *weight) times(p Prob) {
	up, upP := weightBits-bits.Len64(w.bits), bits.Len64(uint64(One))-bits.Len64(uint64(p))
	w.bits = share(shift(w.bits, up), p<<upP)
	w.down += up + upP
}

// share is w·p, rounded down.
func share(w uint64, p Prob) uint64 {
	hi, lo := bits.Mul64(w, uint64(p))
	q, _ := bits.Div64(hi, lo, uint64(One))
	return q
}

func normalise(weights []weight) []Prob {
	least := math.MaxInt
	for _, w := range weights {
		if w.bits > 0 {
			least = min(least, w.down+weightBits-bits.Len64(w.bits))
		}
	}
	var sum uint64
	for h := range weights {
		w := &weights[h]
		w.bits = shift(w.bits, least-w.down)
		sum += w.bits
	}
	probs := make([]Prob, len(weights))
	for h, w := range weights {
		hi, lo := bits.Mul64(w.bits, uint64(One))
		q, _ := bits.Div64(hi, lo, max(1, sum))
		probs[h] = Prob(q)
	}
	return probs
}

// shift moves up, or down where n is negative.
func shift(b uint64, n int) uint64 {
	if n < 0 {
		return b >> -n
	}
	return b << n
}
