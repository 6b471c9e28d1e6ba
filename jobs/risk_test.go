package jobs

import (
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestRoot(t *testing.T) {
	isRoot := func(n uint64) bool {
		r := new(big.Int).SetUint64(root(n))
		next := new(big.Int).Add(r, big.NewInt(1))
		of := new(big.Int).SetUint64(n)
		return r.Mul(r, r).Cmp(of) <= 0 && next.Mul(next, next).Cmp(of) > 0
	}
	for n := range uint64(10_000) {
		if !isRoot(n) {
			t.Fatalf("the root of %d is %d", n, root(n))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		r := rapid.Uint64Range(1, 1<<31).Draw(t, "root")
		for _, n := range []uint64{r * r, r*r - 1, rapid.Uint64Range(0, MaxTasks*MaxTasks).Draw(t, "n")} {
			if !isRoot(n) {
				t.Fatalf("the root of %d is %d", n, root(n))
			}
		}
	})
}
