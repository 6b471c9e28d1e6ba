// Package wordcount counts the words of texts. The guest counts the words of
// one shard, the client merges the partial counts, and a plain local count
// uses the same code, so the three can be compared byte by byte.
//
// A word is a maximal run of letters, combining marks, decimal digits (as
// Unicode has them) and underscores, in lower case: "It's x_1!" is "it", "s",
// "x_1". A byte that is not UTF-8 ends a word, as a space does. Of a run that is
// longer than MaxWord bytes in lower case, the whole runes within the first
// MaxWord bytes are the word.
package wordcount

import (
	"fmt"
	"io"
	"unicode"
	"unicode/utf8"
)

// MaxWord is the length in bytes of the longest word that is told from others.
const MaxWord = 255

// Count counts the words of a text.
func Count(r io.Reader) (*Counts, error) {
	c := new(Counts)
	return c, c.Add(r)
}

// Add counts the words of one more text. The end of a text ends a word.
func (c *Counts) Add(r io.Reader) error {
	s := scanner{counts: c}
	buf := make([]byte, 64<<10)
	rest := 0 // bytes of a rune that the last read cut
	for {
		n, err := r.Read(buf[rest:])
		n += rest
		used := s.scan(buf[:n], err == io.EOF)
		rest = copy(buf, buf[used:n])
		if err == io.EOF {
			s.endWord()
			return nil
		}
		if err != nil {
			return fmt.Errorf("count words: %w", err)
		}
	}
}

// How the scanner treats a byte: fold maps it to one of these, or to the lower
// case of an ASCII letter, digit or underscore.
const (
	separator = 0
	multibyte = 0xff
)

var fold = foldTable()

func foldTable() (table [256]byte) {
	for i := range table {
		b := byte(i)
		switch {
		case b >= utf8.RuneSelf:
			table[i] = multibyte
		case b >= 'A' && b <= 'Z':
			table[i] = b - 'A' + 'a'
		case b >= 'a' && b <= 'z', b >= '0' && b <= '9', b == '_':
			table[i] = b
		}
	}
	return table
}

// scanner finds the words of a text that comes in pieces.
type scanner struct {
	counts *Counts
	word   [MaxWord]byte // the word under way, where scanPlain cannot have it
	n      int
	full   bool // the rest of this run is left out
	// What the last runes were: Unicode's tables are slow to search, and a text
	// uses few scripts.
	known [1 << 10]lowered
}

// lowered is a rune in lower case, 0 for one that separates words.
type lowered struct{ from, to rune }

// scan reads data, which it may change, and returns how much of it was used:
// all, unless its end may be the beginning of a rune and more is to come.
func (s *scanner) scan(data []byte, last bool) int {
	for i := 0; ; {
		used, ended := s.scanWord(data[i:], last)
		i += used
		if !ended {
			return i
		}
		i += s.scanPlain(data[i:])
	}
}

// scanPlain counts the words that are all ASCII and end within data, and
// returns where it met another. Nearly all time is spent here, so it calls
// nothing for each byte and makes the lower case in place.
func (s *scanner) scanPlain(data []byte) int {
	start := 0
	for i, b := range data {
		f := fold[b]
		if f == multibyte {
			break
		}
		if f != separator {
			data[i] = f
			continue
		}
		if i-start > MaxWord {
			break
		}
		if i > start {
			word := data[start:i]
			s.counts.add(word, hashOf(word), 1)
		}
		start = i + 1
	}
	return start
}

// scanWord takes up the word under way, or any word at the head of data, and
// says whether it ended.
func (s *scanner) scanWord(data []byte, last bool) (used int, ended bool) {
	for used < len(data) {
		if !last && !utf8.FullRune(data[used:]) {
			return used, false
		}
		r, size := utf8.DecodeRune(data[used:])
		used += size
		if r = s.lower(r); r == 0 {
			s.endWord()
			return used, true
		}
		s.addRune(r)
	}
	return used, false
}

// lower returns the rune in lower case, or 0 if it separates words.
func (s *scanner) lower(r rune) rune {
	if r < utf8.RuneSelf {
		return rune(fold[r])
	}
	k := &s.known[int(r)%len(s.known)]
	if k.from != r {
		*k = lowered{from: r}
		if unicode.In(r, unicode.Letter, unicode.Mark, unicode.Nd) {
			k.to = unicode.ToLower(r)
		}
	}
	return k.to
}

func (s *scanner) addRune(r rune) {
	if s.full || s.n+utf8.RuneLen(r) > MaxWord {
		s.full = true
		return
	}
	s.n += utf8.EncodeRune(s.word[s.n:], r)
}

func (s *scanner) endWord() {
	if s.n > 0 {
		word := s.word[:s.n]
		s.counts.add(word, hashOf(word), 1)
	}
	s.n, s.full = 0, false
}
