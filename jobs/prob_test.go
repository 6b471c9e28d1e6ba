package jobs

import (
	"fmt"
	"math"
	"math/big"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestProbString(t *testing.T) {
	for _, test := range []struct {
		p    Prob
		want string
	}{
		{0, "0"}, {1, "0.000000001"}, {One, "1"}, {One / 5, "0.2"}, {One / 10_000, "0.0001"},
		{One - 1, "0.999999999"}, {123_456_789, "0.123456789"}, {10 * One, "10"}, {One + 10, "1.00000001"},
	} {
		if got := test.p.String(); got != test.want {
			t.Errorf("%d is %q, want %q", int64(test.p), got, test.want)
		}
	}
}

// The rounding of all that is computed is upwards, and by less than one part in
// a billion: errors are never thought smaller than they are.
func TestArithmeticOfProbs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := Prob(rapid.Int64Range(0, int64(One)).Draw(t, "a"))
		b := Prob(rapid.Int64Range(0, int64(One)).Draw(t, "b"))
		n, d := int64(a), max(1, int64(b))
		wantRoundedUp(t, "ceil", ceil(a, Prob(d)), big.NewRat(n, d))
		wantRoundedUp(t, "times", times(a, b), big.NewRat(n, 1), big.NewRat(int64(b), int64(One)))
		p := Prob(rapid.Int64Range(0, int64(MaxPrior)).Draw(t, "p"))
		wantRoundedUp(t, "odds", odds(p), big.NewRat(int64(p), int64(One-p)), big.NewRat(int64(One), 1))
		// Risks are sums, of up to ten million tasks.
		large := Prob(rapid.Int64Range(0, MaxTasks*int64(One)).Draw(t, "large"))
		wantRoundedUp(t, "times", times(large, b), big.NewRat(int64(large), 1), big.NewRat(int64(b), int64(One)))
	})
}

func wantRoundedUp(t *rapid.T, what string, got Prob, factors ...*big.Rat) {
	want := big.NewRat(1, 1)
	for _, f := range factors {
		want.Mul(want, f)
	}
	over := new(big.Rat).Sub(big.NewRat(int64(got), 1), want)
	if over.Sign() < 0 || over.Cmp(big.NewRat(1, 1)) >= 0 {
		t.Fatalf("%s is %d, want %v rounded up", what, int64(got), want.FloatString(3))
	}
}

// drawRate is a share that is small as often as large.
func drawRate(t *rapid.T, what string) Prob {
	return Prob(math.Pow(10, rapid.Float64Range(0, math.Log10(float64(MaxPrior))).Draw(t, what)))
}

// floatErrorRate is the formula of ErrorRate with another kind of numbers.
func floatErrorRate(k uint64, f float64, comeBack bool) float64 {
	switch {
	case k == 0:
		return f
	case comeBack:
		return f / float64(k)
	}
	return min(f, f/((1-f)*float64(k)*math.E))
}

func TestErrorRateAgreesWithFloatingPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawRate(t, "f")
		k := rapid.Uint64Range(0, maxChecks).Draw(t, "checks")
		if rapid.Bool().Draw(t, "few") {
			k %= 5000
		}
		for _, comeBack := range []bool{false, true} {
			got, want := float64(ErrorRate(k, f, comeBack)), 1e9*floatErrorRate(k, float64(f)/1e9, comeBack)
			if got < want-1e-6 || got > want+2 {
				t.Fatalf("%d checks of %v, who come back: %v: %.0f, want %.3f, in parts per billion", k, f, comeBack, got, want)
			}
			if more := ErrorRate(k+1, f, comeBack); float64(more) > got || more < 1 {
				t.Fatalf("%d checks of %v: %.0f, and with one more: %d", k, f, got, more)
			}
		}
		if ErrorRate(k, f, true) < ErrorRate(k, f, false) && k > 1 {
			t.Fatalf("%d checks of %v: liars who come back are trusted more", k, f)
		}
	})
	for _, k := range []uint64{maxChecks, maxChecks + 1, math.MaxUint64} {
		if got := ErrorRate(k, MaxPrior, false); got != 1 {
			t.Errorf("%d checks: %d", k, got)
		}
	}
}

// Whatever share of its tasks a liar lies about, those who survive are wrong no
// more often than is allowed for.
func TestErrorRateHoldsForEveryLiar(t *testing.T) {
	for _, f := range []float64{0.001, 0.05, 0.2, 0.35, 0.5} {
		for k := range uint64(2000) {
			bound := float64(ErrorRate(k, Prob(f*1e9), false)) / 1e9
			for c := 1.0; c > 1e-4; c /= 1.1 {
				survives := math.Pow(1-c, float64(k))
				if wrong := c * f * survives / (1 - f + f*survives); wrong > bound*(1+1e-9) {
					t.Fatalf("of %v who lie in %v of their tasks, those who survive %d checks are wrong in %v, not %v", f, c, k, wrong, bound)
				}
			}
		}
	}
}

// floatPosterior is Bayes' rule, in logarithms so that nothing is too small, and
// relative to "none is right" so that what all have in common is left out.
func floatPosterior(groups [][]Prob) []float64 {
	logs := make([]float64, len(groups)+1)
	for g, members := range groups {
		for _, e := range members {
			p := float64(e) / 1e9
			logs[g] += math.Log1p(-p) - math.Log(p)
		}
	}
	largest := math.Inf(-1)
	for _, l := range logs {
		largest = max(largest, l)
	}
	sum := 0.0
	for h := range logs {
		logs[h] = math.Exp(logs[h] - largest)
		sum += logs[h]
	}
	for h := range logs {
		logs[h] /= sum
	}
	return logs[:len(groups)]
}

func drawGroups(t *rapid.T, votes int) [][]Prob {
	groups := make([][]Prob, rapid.IntRange(1, 5).Draw(t, "groups"))
	for range rapid.IntRange(0, votes).Draw(t, "votes") {
		g := rapid.IntRange(0, len(groups)-1).Draw(t, "group")
		groups[g] = append(groups[g], drawRate(t, "rate"))
	}
	return groups
}

func TestPosteriorAgreesWithFloatingPoint(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		comparePosterior(t, drawGroups(t, 12))
		comparePosterior(t, drawGroups(t, 200))
	})
}

// Where all are hardly ever wrong, or as often as right, and thousands vote, no
// weight gets lost for being too small.
func TestPosteriorAtTheExtremes(t *testing.T) {
	for _, rate := range []Prob{1, One / 2} {
		for _, votes := range []int{1, 2, 999, 5000} {
			for n := 1; n <= 4; n++ {
				groups := make([][]Prob, n)
				for g := range groups {
					groups[g] = slices.Repeat([]Prob{rate}, votes)
				}
				comparePosterior(t, groups)
				groups[0] = append(groups[0], MaxPrior, 1)
				comparePosterior(t, groups)
				comparePosterior(t, append(groups, nil))
			}
		}
	}
}

func comparePosterior(t interface{ Fatalf(string, ...any) }, groups [][]Prob) {
	got, want := Posterior(groups), floatPosterior(groups)
	for g := range groups {
		if math.Abs(float64(got[g])/1e9-want[g]) > 1e-8 {
			t.Fatalf("group %d of %.300s is right with a probability of %v, want %.10f", g, fmt.Sprint(groups), got[g], want[g])
		}
	}
}

func TestPosteriorOfSimpleCases(t *testing.T) {
	const f = One / 5
	for _, test := range []struct {
		groups [][]Prob
		want   []string
	}{
		{nil, nil},
		{[][]Prob{nil}, []string{"0.5"}},
		{[][]Prob{{f}}, []string{"0.8"}},
		{[][]Prob{{f}, {f}}, []string{"0.444444444", "0.444444444"}},
		{[][]Prob{{f, f}}, []string{"0.941176470"}},
		{[][]Prob{{f, f}, {f}}, []string{"0.761904761", "0.190476190"}},
		{[][]Prob{{One / 2}, {One / 2}}, []string{"0.333333333", "0.333333333"}},
		// Two who are hardly ever wrong, against two others: nobody knows.
		{[][]Prob{{1, 1}, {1, 1}}, []string{"0.5", "0.5"}},
		{[][]Prob{{1, 1, 1}, {1, 1}}, []string{"0.999999998", "0.000000001"}},
		// A banned owner's word, whose credibility is zero, excludes its result.
		{[][]Prob{{One}}, []string{"0"}},
	} {
		for g, p := range Posterior(test.groups) {
			if want := test.want[g]; math.Abs(float64(p-parseProb(want))) > 1 {
				t.Errorf("group %d of %v: %v, want %v", g, test.groups, p, want)
			}
		}
	}
}
