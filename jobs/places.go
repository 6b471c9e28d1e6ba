package jobs

import "math/bits"

// Place is a task's position in the order of opening, counted from 0. The state
// knows tasks by their places alone.
type Place uint32

// Index is a task's number in the input, counted from 0: what workers and people
// know tasks by. Without a seed it equals the place.
type Index uint32

// Sequence is a position in a job's order of acceptance, Job.Order, counted from 0.
// A task has a new one each time that another result of it is accepted.
type Sequence uint32

// TaskAt is the index of the task that is opened at a place. Since the order is
// random, a worker cannot tell from the index that others have run a task before,
// and that this one is a check.
//
// Tasks that read the same piece of the input are not kept together: a lease in
// a piece that the worker has had before would then nearly always be a check.
func (j *Job) TaskAt(place Place) Index { return Index(j.reorder(uint32(place), shuffle)) }

// PlaceOf is the inverse of TaskAt.
func (j *Job) PlaceOf(index Index) Place { return Place(j.reorder(uint32(index), unshuffle)) }

func (j *Job) reorder(i uint32, permute func(i, n uint32, seed uint64) uint32) uint32 {
	if j.Seed == 0 {
		return i
	}
	return permute(i, uint32(j.Total()), j.Seed)
}

// rounds of a Feistel network: four make a permutation that looks random to
// those who do not know the seed (Luby and Rackoff 1988).
const rounds = 4

// shuffle is a permutation of the numbers below n: a Feistel network over the
// next power of four, walked until it comes back below n.
func shuffle(i, n uint32, seed uint64) uint32 {
	half := halfBits(n)
	for {
		left, right := i>>half, i&(1<<half-1)
		for r := range uint64(rounds) {
			left, right = right, left^mix(seed, r, right)&(1<<half-1)
		}
		if i = left<<half | right; i < n {
			return i
		}
	}
}

func unshuffle(i, n uint32, seed uint64) uint32 {
	half := halfBits(n)
	for {
		left, right := i>>half, i&(1<<half-1)
		for r := uint64(rounds); r > 0; r-- {
			left, right = right^mix(seed, r-1, left)&(1<<half-1), left
		}
		if i = left<<half | right; i < n {
			return i
		}
	}
}

func halfBits(n uint32) uint { return uint(bits.Len32(n-1)+1) / 2 }

// mix is the finisher of SplitMix64 (Steele and others 2014).
func mix(seed, round uint64, half uint32) uint32 {
	x := seed + (round<<32|uint64(half))*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return uint32(x ^ x>>31)
}
