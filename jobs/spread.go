package jobs

import "slices"

// spread counts things by a time at which each began, so that it is soon told how many
// began at a time or later. Times mostly come in order: the counts are a Fenwick tree over
// those that there are.
type spread struct {
	times []Time
	tree  []int32 // tree[i] counts the times from i&(i+1) to i
	some  int     // times that have a count
}

// add counts n more at a time, or fewer.
func (x *spread) add(at Time, n int32) {
	i, found := slices.BinarySearch(x.times, at)
	if !found {
		x.insert(i, at)
	}
	before := x.count(i)
	if before == 0 {
		x.some++
	} else if before+n == 0 {
		x.some--
	}
	for k := i; k < len(x.tree); k |= k + 1 {
		x.tree[k] += n
	}
	if len(x.times) > 64 && len(x.times) > 2*x.some {
		x.prune()
	}
}

// since is how many began at a time or later.
func (x *spread) since(at Time) int {
	i, _ := slices.BinarySearch(x.times, at)
	return int(x.below(len(x.times)) - x.below(i))
}

// below counts the first i times.
func (x *spread) below(i int) (sum int32) {
	for k := i - 1; k >= 0; k = k&(k+1) - 1 {
		sum += x.tree[k]
	}
	return sum
}

func (x *spread) count(i int) int32 { return x.below(i+1) - x.below(i) }

// insert makes room for a time: for the last one, in most cases.
func (x *spread) insert(i int, at Time) {
	if i == len(x.times) {
		x.times = append(x.times, at)
		x.tree = append(x.tree, x.below(i)-x.below(i&(i+1)))
		return
	}
	counts := x.counts()
	x.build(slices.Insert(x.times, i, at), slices.Insert(counts, i, 0))
}

// prune forgets times that nothing has.
func (x *spread) prune() {
	counts := x.counts()
	kept := 0
	for i, n := range counts {
		if n != 0 {
			x.times[kept], counts[kept] = x.times[i], n
			kept++
		}
	}
	x.build(x.times[:kept], counts[:kept])
}

func (x *spread) counts() []int32 {
	list := make([]int32, len(x.times))
	for i := range list {
		list[i] = x.count(i)
	}
	return list
}

func (x *spread) build(times []Time, counts []int32) {
	x.times, x.tree = times, counts
	for i := range x.tree {
		if up := i | (i + 1); up < len(x.tree) {
			x.tree[up] += x.tree[i]
		}
	}
}
