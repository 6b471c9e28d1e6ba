package jobs

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestFuelSumsAreExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		summands := rapid.SliceOfN(rapid.SampledFrom([]uint64{0, 1, 7, 1 << 63, math.MaxUint64 - 1, math.MaxUint64}), 1, 50).Draw(t, "summands")
		var sum FuelSum
		want := new(big.Int)
		for _, n := range summands {
			sum.add(n)
			addFuel(want, n)
		}
		if exactly(sum).Cmp(want) != 0 {
			t.Fatalf("sum %v, want %v", exactly(sum), want)
		}
		if got := sum.Uint64(); want.IsUint64() && got != want.Uint64() || !want.IsUint64() && got != math.MaxUint64 {
			t.Fatalf("%v is told as %d", want, got)
		}
		for _, n := range rapid.Permutation(summands).Draw(t, "taken back") {
			sum.subtract(n)
		}
		if sum != (FuelSum{}) {
			t.Fatalf("all taken back, %v is left", sum)
		}
		sum.subtract(1)
		if sum != (FuelSum{}) {
			t.Fatalf("1 of nothing leaves %v", sum)
		}
	})
}

func TestFuelEstimate(t *testing.T) {
	for _, test := range []struct {
		used        FuelSum
		count       int
		total, want int64
	}{
		{FuelSum{}, 0, 10, 0},
		{FuelSum{}, 3, 10, 0},
		{FuelSum{Low: 30}, 3, 10, 100},
		{FuelSum{Low: 31}, 3, 10, 103},
		{FuelSum{Low: 30}, 3, 3, 30},
		{FuelSum{Low: 1 << 62}, 1_000_000, 1_000_000, 1 << 62},
		{FuelSum{Low: 1 << 62}, 1, 8, -1}, // the largest number
		{FuelSum{High: 1}, 1, 1, -1},
	} {
		j := &Job{Spec: rangeSpec(test.total), Count: test.count, Fuel: test.used}
		if got := j.FuelEstimate(); got != uint64(test.want) {
			t.Errorf("%d of %d tasks took %v: estimated %d, want %d", test.count, test.total, test.used, got, uint64(test.want))
		}
	}
}

// Running tasks count with what they have used, at most the mean of those that
// have a result, and once.
func TestFuelRunning(t *testing.T) {
	g := gridAt(VersionStrangers).with("w1", "w2", "w3") // by which two may have a task at once
	g.submit("j", boundSpec(5, One/10_000))
	first, again, other := g.grant("j", 0, "w1", false), g.grant("j", 0, "w2", false), g.grant("j", 1, "w3", false)
	long := g.grant("j", 2, "w2", false)
	fuel := map[LeaseID]uint64{first: 10, again: 20, other: 30, long: 5000, 99: 1}
	if got := g.Jobs["j"].FuelRunning(fuel); got != 0 {
		t.Errorf("%d before it is known what a task takes", got)
	}
	closing := g.grant("j", 3, "w1", false)
	g.report(vote(closing, "w1", "a@1000"))
	fuel[g.grant("j", 3, "w2", false)] = 500 // a second opinion on what has its result
	if got := g.Jobs["j"].FuelRunning(fuel); got != 20+30+1000 {
		t.Errorf("%d units of running tasks, want 1050", got)
	}
	g.report(vote(other, "w3", "b@3000"))
	if got := g.Jobs["j"].FuelRunning(fuel); got != 20+2000 {
		t.Errorf("%d units of running tasks, want 2020", got)
	}
}

// A lie about fuel alone is a lie: the vote is outvoted, and its owner banned.
func TestLieAboutFuelAlone(t *testing.T) {
	g := gridOf("w1", "w2", "w3", "w4", "w5", "w6", "w7", "w8")
	g.submit("j", boundSpec(2, One/10_000))
	g.run("j", 0, "w1", "a@1000000")
	if j := g.Jobs["j"]; j.Fuel != (FuelSum{Low: 1_000_000}) || g.Owners["owner-w1"].Fuel != j.Fuel {
		t.Fatalf("a first vote is not accepted: %+v", j)
	}
	for _, w := range []string{"w2", "w3", "w4", "w5", "w6", "w7", "w8"} {
		g.run("j", 0, w, "a@9")
	}
	if o := g.Owners["owner-w1"]; o.Banned == "" || o.Outvoted != 1 || o.Fuel != (FuelSum{}) {
		t.Errorf("the liar: %+v", o)
	}
	if o := g.Owners["owner-w2"]; o.Banned != "" || o.Fuel != (FuelSum{Low: 9}) || o.Credit != 1 {
		t.Errorf("an honest owner: %+v", o)
	}
	j := g.Jobs["j"]
	if c := j.Closed[0]; c.Output != fakeRef("a") || c.Fuel != 9 || j.Fuel != (FuelSum{Low: 9}) || j.Changed != 1 {
		t.Errorf("the task: %+v, of a job that used %v, %d changed", c, j.Fuel, j.Changed)
	}
}
