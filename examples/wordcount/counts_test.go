package wordcount

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
)

func TestMergeIsCountingTogether(t *testing.T) {
	lines := strings.SplitAfter(corpus(t), "\n")
	var merged, added Counts
	for _, line := range lines {
		part, err := ReadCounts(strings.NewReader(text(t, count(t, line))))
		if err != nil {
			t.Fatal(err)
		}
		merged.Merge(part)
		if err := added.Add(strings.NewReader(line)); err != nil {
			t.Fatal(err)
		}
	}
	want := text(t, count(t, strings.Join(lines, "")))
	if text(t, &merged) != want {
		t.Error("merged parts differ from the whole")
	}
	if text(t, &added) != want {
		t.Error("texts added one by one differ from the whole")
	}
}

func TestEndOfTextEndsWord(t *testing.T) {
	var c Counts
	for _, s := range []string{"an", "t"} {
		if err := c.Add(strings.NewReader(s)); err != nil {
			t.Fatal(err)
		}
	}
	if got := text(t, &c); got != "an 1\nt 1\n" {
		t.Errorf("got %q; want two words", got)
	}
}

func TestManyWords(t *testing.T) {
	var b strings.Builder
	const words = 50_000 // the table grows several times
	for i := range words {
		fmt.Fprintf(&b, "w%d a_rather_long_word_%d w%d ", i, i, i)
	}
	c := count(t, b.String())
	if c.Len() != 2*words || c.Total() != 3*words {
		t.Errorf("%d words, %d different; want %d and %d", c.Total(), c.Len(), 3*words, 2*words)
	}
	for word, want := range map[string]uint64{"w0": 2, "w49999": 2, "a_rather_long_word_777": 1, "none": 0, "": 0} {
		if got := c.Of(word); got != want {
			t.Errorf("%q: %d times; want %d", word, got, want)
		}
	}
}

func TestShortWordsNeverCollide(t *testing.T) {
	seen := map[uint64]string{}
	for a := 'a'; a <= 'z'; a++ {
		for b := '0'; b <= '9'; b++ {
			for _, format := range []string{"%c%c", "%[2]c%[1]c", "xx%cyy%c", "xx%[2]cyy%[1]c", "x%c34567%c", "x%[2]c34567%[1]c"} {
				word := fmt.Sprintf(format, a, b)
				hash := hashOf([]byte(word))
				if other := seen[hash]; len(other) == len(word) {
					t.Fatalf("%q and %q have the same hash", word, other)
				}
				seen[hash] = word
			}
		}
	}
}

func TestTop(t *testing.T) {
	c := count(t, "b b b c a a a d d")
	want := []Word{{"a", 3}, {"b", 3}, {"d", 2}, {"c", 1}}
	for n := range 6 {
		if got := c.Top(n); !slices.Equal(got, want[:min(n, 4)]) {
			t.Errorf("top %d: %v", n, got)
		}
	}
}

func TestEmptyCounts(t *testing.T) {
	var c Counts
	if c.Len() != 0 || c.Total() != 0 || c.Of("a") != 0 || len(c.Top(3)) != 0 || text(t, &c) != "" {
		t.Error("the zero value is not empty")
	}
	c.Merge(new(Counts))
	if c.Len() != 0 {
		t.Error("merging nothing adds words")
	}
}

func TestReadCountsRefuses(t *testing.T) {
	for in, want := range map[string]string{
		"word":                                  `line 1: want "word count"`,
		"a 1\nb\n":                              `line 2: want "word count"`,
		"a 0\n":                                 `line 1: want "word count"`,
		"a -1\n":                                `line 1: want "word count"`,
		"a 1 2\n":                               `line 1: want "word count"`,
		" 1\n":                                  `line 1: want "word count"`,
		"a 9223372036854775808\n":               `line 1: want "word count"`,
		strings.Repeat("x", MaxWord+1) + " 1":   `line 1: want "word count"`,
		"a 1\n" + strings.Repeat("x", 1<<20):    "line 2: bufio.Scanner: token too long",
		"a 1\n\nb 1\n":                          `line 2: want "word count"`,
		"\x00asm\x01\x00\x00\x00 is not counts": `line 1: want "word count"`,
	} {
		_, err := ReadCounts(strings.NewReader(in))
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.20q: error %v; want %s", in, err, want)
		}
	}
}

// full takes some bytes and no more.
type full struct{ room int }

var errFull = errors.New("no space left")

func (f *full) Write(p []byte) (int, error) {
	n := min(len(p), f.room)
	f.room -= n
	if n < len(p) {
		return n, errFull
	}
	return n, nil
}

func TestWriteErrorIsTold(t *testing.T) {
	var c Counts
	for i := range 30_000 {
		if err := c.Add(strings.NewReader(fmt.Sprint(i))); err != nil {
			t.Fatal(err)
		}
	}
	for _, room := range []int{0, 5, 100_000} {
		if _, err := c.WriteTo(&full{room}); !errors.Is(err, errFull) {
			t.Errorf("room for %d bytes: error %v; want %v", room, err, errFull)
		}
	}
	if _, err := c.WriteTo(io.Discard); err != nil {
		t.Error(err)
	}
}
