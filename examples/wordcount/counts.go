package wordcount

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"
)

// Counts says how often each word was seen. The zero value is empty and ready.
// It is a hash table of its own because a Go map costs an allocation for each
// new word, and several times the time in a guest.
type Counts struct {
	text    []byte  // all words, one after the other
	entries []entry // in the order in which the words were first seen
	index   []int32 // hash -> entry number + 1; open addressing, 0 is free
}

type entry struct {
	hash  uint64
	count uint64
	start int // in text
	size  int
}

// Word is a word and how often it was seen.
type Word struct {
	Text  string
	Count uint64
}

// Len is the number of different words.
func (c *Counts) Len() int { return len(c.entries) }

// Total is the number of words.
func (c *Counts) Total() uint64 {
	var total uint64
	for i := range c.entries {
		total += c.entries[i].count
	}
	return total
}

// Of says how often a word was seen.
func (c *Counts) Of(word string) uint64 {
	if len(c.index) == 0 {
		return 0
	}
	if at := c.index[c.find([]byte(word), hashOf([]byte(word)))]; at != 0 {
		return c.entries[at-1].count
	}
	return 0
}

// Merge adds the counts of another part of the input.
func (c *Counts) Merge(other *Counts) {
	for _, e := range other.entries {
		c.add(other.word(e), e.hash, e.count)
	}
}

// Top returns the n most frequent words; of equally frequent ones the
// alphabetically first.
func (c *Counts) Top(n int) []Word {
	order := slices.Clone(c.entries)
	slices.SortFunc(order, func(a, b entry) int {
		if a.count != b.count {
			return cmp.Compare(b.count, a.count)
		}
		return bytes.Compare(c.word(a), c.word(b))
	})
	top := make([]Word, 0, min(n, len(order)))
	for _, e := range order[:cap(top)] {
		top = append(top, Word{string(c.word(e)), e.count})
	}
	return top
}

// sorted returns the entries in the order of their words' bytes.
func (c *Counts) sorted() []entry {
	type key struct {
		head uint64 // the first 8 bytes decide most comparisons
		at   int
	}
	keys := make([]key, len(c.entries))
	for i, e := range c.entries {
		var head [8]byte
		copy(head[:], c.word(e))
		keys[i] = key{binary.BigEndian.Uint64(head[:]), i}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if a.head != b.head {
			return cmp.Compare(a.head, b.head)
		}
		return bytes.Compare(c.word(c.entries[a.at]), c.word(c.entries[b.at]))
	})
	order := make([]entry, len(keys))
	for i, k := range keys {
		order[i] = c.entries[k.at]
	}
	return order
}

func (c *Counts) word(e entry) []byte { return c.text[e.start : e.start+e.size] }

func (c *Counts) add(word []byte, hash, count uint64) {
	if len(c.entries) >= len(c.index)/2 {
		c.grow()
	}
	slot := c.find(word, hash)
	if at := c.index[slot]; at != 0 {
		c.entries[at-1].count += count
		return
	}
	c.entries = append(c.entries, entry{hash: hash, count: count, start: len(c.text), size: len(word)})
	c.text = append(c.text, word...)
	c.index[slot] = int32(len(c.entries))
}

// find returns the slot where the word is, or the free one where it belongs.
func (c *Counts) find(word []byte, hash uint64) int {
	mask := len(c.index) - 1
	for slot := int(hash>>32) & mask; ; slot = (slot + 1) & mask {
		at := c.index[slot]
		if at == 0 {
			return slot
		}
		e := &c.entries[at-1]
		if e.hash == hash && e.size == len(word) && (len(word) <= 8 || string(c.word(*e)) == string(word)) {
			return slot
		}
	}
}

// grow doubles the index, which is kept at most half full.
func (c *Counts) grow() {
	c.index = make([]int32, max(1024, 2*len(c.index)))
	mask := len(c.index) - 1
	for i, e := range c.entries {
		slot := int(e.hash>>32) & mask
		for c.index[slot] != 0 {
			slot = (slot + 1) & mask
		}
		c.index[slot] = int32(i + 1)
	}
}

// hashOf mixes the word's bytes eight at a time. Different words of the same
// length up to 8 have different hashes: their bytes make one number, and to
// multiply it by an odd one loses nothing.
func hashOf(word []byte) uint64 {
	const odd = 0x9e3779b97f4a7c15
	n := len(word)
	switch {
	case n > 8:
		var hash uint64
		for rest := word; len(rest) > 8; rest = rest[8:] {
			hash = (hash ^ binary.LittleEndian.Uint64(rest)) * odd
			hash ^= hash >> 29
		}
		return (hash ^ binary.LittleEndian.Uint64(word[n-8:])) * odd
	case n >= 4:
		return (uint64(binary.LittleEndian.Uint32(word))<<32 | uint64(binary.LittleEndian.Uint32(word[n-4:]))) * odd
	case n > 0:
		return (uint64(word[0]) | uint64(word[n/2])<<8 | uint64(word[n-1])<<16) * odd
	}
	return 0
}
