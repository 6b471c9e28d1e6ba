package jobs

import "math/bits"

// placeSet is a set of places: a bit each, and for each word of them a bit that says
// whether it has any, so that those that are in it are found without a walk over all.
type placeSet struct {
	words, filled []uint64
	size          int
}

func (x *placeSet) has(p Place) bool {
	i := int(p / 64)
	return i < len(x.words) && x.words[i]>>(p%64)&1 == 1
}

// put takes a place in, or out.
func (x *placeSet) put(p Place, in bool) {
	if x.has(p) == in {
		return
	}
	i := int(p / 64)
	if !in {
		x.size--
		if x.words[i] &^= 1 << (p % 64); x.words[i] == 0 {
			x.filled[i/64] &^= 1 << (i % 64)
		}
		return
	}
	for len(x.words) <= i {
		x.words = append(x.words, 0)
	}
	for len(x.filled) <= i/64 {
		x.filled = append(x.filled, 0)
	}
	x.size++
	x.words[i] |= 1 << (p % 64)
	x.filled[i/64] |= 1 << (i % 64)
}

// next is the first place in the set that is not below p.
func (x *placeSet) next(p Place) (Place, bool) {
	i := int(p / 64)
	if i >= len(x.words) {
		return 0, false
	}
	if rest := x.words[i] >> (p % 64); rest != 0 {
		return p + Place(bits.TrailingZeros64(rest)), true
	}
	for k := (i + 1) / 64; k < len(x.filled); k++ {
		word := x.filled[k]
		if k == (i+1)/64 {
			word = word >> ((i + 1) % 64) << ((i + 1) % 64)
		}
		if word != 0 {
			at := k*64 + bits.TrailingZeros64(word)
			return Place(at*64 + bits.TrailingZeros64(x.words[at])), true
		}
	}
	return 0, false
}

// all are the places in the set, in order. It may change meanwhile.
func (x *placeSet) all(yield func(Place) bool) {
	for p, ok := x.next(0); ok && yield(p); p, ok = x.next(p + 1) {
	}
}
