package swarm

import (
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
	"github.com/anthill-grid/anthill/jobs"
)

func testRand() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func bits(pieces ...int) blob.Bitmap {
	b := blob.NewBitmap(64)
	for _, i := range pieces {
		b.Set(i)
	}
	return b
}

func TestRanks(t *testing.T) {
	if rank(jobs.Worker) >= rank(jobs.Coordinator) || rank(jobs.Coordinator) >= rank(jobs.Submitter) || rank(jobs.Stranger) >= lastRank {
		t.Error("want worker < coordinator < submitter < last")
	}
}

func TestRarestFirst(t *testing.T) {
	sources := []source{{have: bits(1, 2, 3)}, {have: bits(1, 2)}, {have: bits(2)}}
	got := rarestFirst([]int{1, 2, 3, 4}, sources, testRand())
	if len(got) != 3 || got[0] != 3 || got[1] != 1 || got[2] != 2 {
		t.Errorf("order %v, want [3 1 2]", got)
	}
}

func TestTiesAreRandom(t *testing.T) {
	sources, rng, first := []source{{have: bits(1, 2, 3)}}, testRand(), make(map[int]int)
	for range 300 {
		first[rarestFirst([]int{1, 2, 3}, sources, rng)[0]]++
	}
	for i := 1; i <= 3; i++ {
		if first[i] < 60 {
			t.Errorf("piece %d came first %d times of 300", i, first[i])
		}
	}
}

func TestPreferredSourceSparesTheOthers(t *testing.T) {
	worker := source{rank: 0, free: 1, have: bits(1, 2)}
	submitter := source{rank: 2, free: 5, have: bits(1, 2, 3)}
	got := assign([]int{1, 2, 3}, []source{submitter, worker}, testRand())
	if len(got) != 2 {
		t.Fatalf("assigned %v", got)
	}
	for _, a := range got {
		if (a.source == 0) != (a.piece == 3) {
			t.Errorf("assigned %v: the submitter is to send 3 alone", got)
		}
	}
	submitter.eager = true
	if got := assign([]int{1, 2, 3}, []source{submitter, worker}, testRand()); len(got) != 3 {
		t.Errorf("an eager submitter takes one more: %v", got)
	}
}

func TestLoadIsSpread(t *testing.T) {
	all := blob.FullBitmap(64)
	sources := []source{{free: 2, have: all}, {free: 2, have: all}, {free: 2, have: all}}
	got, count := assign([]int{1, 2, 3}, sources, testRand()), make(map[int]int)
	for _, a := range got {
		count[a.source]++
	}
	if len(count) != 3 {
		t.Errorf("three pieces of three equal sources: %v", got)
	}
}

func TestAssignmentIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		missing := rapid.SliceOfDistinct(rapid.IntRange(0, 63), func(i int) int { return i }).Draw(t, "missing")
		var sources []source
		for range rapid.IntRange(0, 5).Draw(t, "sources") {
			sources = append(sources, source{
				rank:  rapid.IntRange(0, 3).Draw(t, "rank"),
				free:  rapid.IntRange(-1, 3).Draw(t, "free"),
				have:  bits(rapid.SliceOf(rapid.IntRange(0, 63)).Draw(t, "have")...),
				eager: rapid.Bool().Draw(t, "eager"),
			})
		}
		wanted, given := make(map[int]bool), make(map[int]int)
		for _, i := range missing {
			wanted[i] = true
		}
		best := bestRank(missing, sources)
		for _, a := range assign(missing, sources, testRand()) {
			s := sources[a.source]
			if !wanted[a.piece] || !s.have.Has(a.piece) {
				t.Fatalf("%v: not wanted twice, or not there", a)
			}
			if s.rank > best[a.piece] && !s.eager {
				t.Fatalf("%v: a preferred source has it", a)
			}
			wanted[a.piece] = false
			given[a.source]++
		}
		for k, s := range sources {
			if given[k] > max(s.free, 0) {
				t.Fatalf("source %d got %d pieces, has %d free", k, given[k], s.free)
			}
			for i := range wanted {
				if wanted[i] && given[k] < s.free && s.have.Has(i) && s.rank == best[i] {
					t.Fatalf("source %d is free and piece %d waits", k, i)
				}
			}
		}
	})
}
