package jobs

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/anthill-grid/anthill/internal/blob"
)

func TestShuffleIsAPermutation(t *testing.T) {
	for n := uint32(1); n <= 5000; n++ {
		if n > 300 {
			n += 12 // all small numbers, and some of the others
		}
		seen := make([]bool, n)
		for i := range n {
			at := shuffle(i, n, uint64(n)*7919)
			if at >= n || seen[at] {
				t.Fatalf("of %d, %d moves to %d, which is taken or beyond", n, i, at)
			}
			seen[at] = true
		}
	}
}

func TestUnshuffleIsTheInverse(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint32Range(1, 1<<31).Draw(t, "n")
		seed := rapid.Uint64().Draw(t, "seed")
		i := rapid.Uint32Range(0, n-1).Draw(t, "i")
		at := shuffle(i, n, seed)
		if at >= n || unshuffle(at, n, seed) != i || shuffle(unshuffle(i, n, seed), n, seed) != i {
			t.Fatalf("%d of %d moves to %d, and back to %d", i, n, at, unshuffle(at, n, seed))
		}
	})
}

// That a worker sees a low index says nothing about how early a task is opened.
func TestShuffleLooksRandom(t *testing.T) {
	const n, seeds = 1000, 200
	sum, same := 0.0, 0
	for seed := range uint64(seeds) {
		order := make([]uint32, n)
		for i := range uint32(n) {
			order[i] = shuffle(i, n, seed)
			if order[i] == shuffle(i, n, seed+1) {
				same++
			}
		}
		sum += correlation(order)
	}
	if mean := sum / seeds; math.Abs(mean) > 0.01 {
		t.Errorf("place and index are correlated by %v", mean)
	}
	if rate := float64(same) / seeds; rate > 2 { // of 1000 tasks, one by chance
		t.Errorf("two seeds agree on %v of %d tasks", rate, n)
	}
}

// correlation is that of the numbers with their places.
func correlation(order []uint32) float64 {
	n := float64(len(order))
	var products, squares float64
	for i, at := range order {
		a, b := float64(i)-(n-1)/2, float64(at)-(n-1)/2
		products += a * b
		squares += a * a
	}
	return products / squares
}

func shards(size, shard int64) Input {
	return Input{Blob: &BlobInput{Blob: blob.Ref{ID: blob.ID{1}, Size: size}, ShardSize: shard}}
}

func indexed(size, tasks int64) Input {
	return Input{Blob: &BlobInput{Blob: blob.Ref{ID: blob.ID{1}, Size: size}, Index: &blob.Ref{ID: blob.ID{2}, Size: 8 * (tasks + 1)}}}
}

func TestTaskAtAndPlaceOf(t *testing.T) {
	for name, in := range map[string]Input{
		"range":              {Range: &Range{From: -5, To: 995, Step: 3}},
		"one task":           {Range: &Range{To: 1, Step: 1}},
		"shards":             shards(10<<20, 200_000),
		"small shards":       shards(10<<20, 30_000),
		"index":              indexed(10<<20, 777),
		"index, tiny shards": indexed(10<<20, 100_000),
		"index of nothing":   indexed(1, 1<<14),
	} {
		j := &Job{Spec: Spec{Input: in}, Seed: 42}
		total := j.Total()
		seen := make([]bool, total)
		moved := 0
		for place := range Place(total) {
			task := j.TaskAt(place)
			if int(task) >= total || seen[task] || j.PlaceOf(task) != place {
				t.Fatalf("%s: task %d is opened at place %d, and found at %d", name, task, place, j.PlaceOf(task))
			}
			seen[task] = true
			if int(task) != int(place) {
				moved++
			}
		}
		if total > 10 && moved < total/2 {
			t.Errorf("%s: only %d of %d tasks are moved", name, moved, total)
		}
	}
}

func TestOrderOfOpening(t *testing.T) {
	order := func(seed uint64) (list []Index) {
		j := &Job{Spec: rangeSpec(100), Seed: seed}
		for place := range Place(100) {
			list = append(list, j.TaskAt(place))
		}
		return list
	}
	if slices.Equal(order(1), order(2)) {
		t.Error("the seed makes no difference")
	}
	if !slices.IsSorted(order(0)) {
		t.Errorf("without a seed: %v", order(0))
	}
}
