package wordcount

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

func text(t *testing.T, c *Counts) string {
	t.Helper()
	var b bytes.Buffer
	n, err := c.WriteTo(&b)
	if err != nil || n != int64(b.Len()) {
		t.Fatalf("WriteTo: %d, %v; wrote %d bytes", n, err, b.Len())
	}
	return b.String()
}

func count(t *testing.T, s string) *Counts {
	t.Helper()
	c, err := Count(strings.NewReader(s))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWords(t *testing.T) {
	long := strings.Repeat("x", MaxWord)
	for _, test := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"no words", " \n\t.,;-- \x00", ""},
		{"lower case", "The the THE", "the 3"},
		{"apostrophe separates", "It's", "it 1\ns 1"},
		{"identifiers", "x_1 := _ + Foo_Bar2", "_ 1\nfoo_bar2 1\nx_1 1"},
		{"no separator at the end", "end", "end 1"},
		{"accents and cases", "Élan élan ÉLAN", "élan 3"},
		{"combining marks belong to the word", "e\u0301t", "e\u0301t 1"},
		{"scripts", "Муравей μυρμήγκι 蚂蚁,蟻", "μυρμήγκι 1\nмуравей 1\n蚂蚁 1\n蟻 1"},
		{"mixed ASCII and not", "naïve Ångström_2", "naïve 1\nångström_2 1"},
		{"digits of other scripts", "٣٤", "٣٤ 1"},
		{"unicode space and dash", "a\u00a0b\u2014c\u3000d", "a 1\nb 1\nc 1\nd 1"},
		{"not UTF-8", "ab\xffcd\xc3 ef", "ab 1\ncd 1\nef 1"},
		{"cut rune at the end", "ab\xe8\x9a", "ab 1"},
		{"replacement rune", "a\ufffdb", "a 1\nb 1"},
		{"longest word", long, long + " 1"},
		{"too long", long + "yz " + long + "q", long + " 2"},
		{"too long by a rune", long[1:] + "éa", long[1:] + " 1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			want := test.want
			if want != "" {
				want += "\n"
			}
			if got := text(t, count(t, test.in)); got != want {
				t.Errorf("%q: got\n%swant\n%s", test.in, got, want)
			}
		})
	}
}

// dumb is the rule once more, as slow and plain as can be.
func dumb(in string) string {
	counts := map[string]int{}
	runs := regexp.MustCompile(`[\pL\pM\p{Nd}_]+`)
	for _, part := range strings.Split(strings.ToValidUTF8(in, "\n"), "\n") {
		for _, w := range runs.FindAllString(strings.ToLower(part), -1) {
			counts[w]++
		}
	}
	var lines []string
	for w, n := range counts {
		lines = append(lines, fmt.Sprintf("%s %d\n", w, n))
	}
	// A space sorts before every byte of a word, so lines sort as words do.
	slices.Sort(lines)
	return strings.Join(lines, "")
}

func TestAgreesWithDumbVersion(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	alphabet := []string{"a", "B", "c", "_", "7", " ", " ", "\n", "é", "Ж", "蟻", "\u0301", "\xff", "\xe8", ".", "word", "Word"}
	for range 300 {
		var b strings.Builder
		for range rng.IntN(400) {
			b.WriteString(alphabet[rng.IntN(len(alphabet))])
		}
		if got, want := text(t, count(t, b.String())), dumb(b.String()); got != want {
			t.Fatalf("%q: got\n%swant\n%s", b.String(), got, want)
		}
	}
}

func TestReadsMayEndAnywhere(t *testing.T) {
	in := corpus(t) + strings.Repeat("x", 70_000) + " 蟻"
	want := text(t, count(t, in))
	for name, r := range map[string]io.Reader{
		"byte by byte":     iotest.OneByteReader(strings.NewReader(in)),
		"half":             iotest.HalfReader(strings.NewReader(in)),
		"data with EOF":    iotest.DataErrReader(strings.NewReader(in)),
		"buffers of words": io.MultiReader(strings.NewReader(in[:100]), strings.NewReader(in[100:])),
	} {
		c, err := Count(r)
		if err != nil {
			t.Fatal(err)
		}
		if got := text(t, c); got != want {
			t.Errorf("%s: other counts than in one piece", name)
		}
	}
}

func TestReadErrorIsTold(t *testing.T) {
	broken := errors.New("broken disk")
	if _, err := Count(iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("error %v; want %v", err, broken)
	}
}

func corpus(t testing.TB) string {
	t.Helper()
	paths, err := filepath.Glob("corpus/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	var all strings.Builder
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(data)
	}
	return all.String()
}

func FuzzCount(f *testing.F) {
	f.Add("It's x_1! Élan\xff\xe8\x9a蟻")
	f.Add(strings.Repeat("long", 100))
	f.Fuzz(func(t *testing.T, in string) {
		whole := count(t, in)
		again, err := ReadCounts(strings.NewReader(text(t, whole)))
		if err != nil {
			t.Fatal(err)
		}
		if text(t, again) != text(t, whole) {
			t.Error("reading the counts back changes them")
		}
		slow, err := Count(iotest.OneByteReader(strings.NewReader(in)))
		if err != nil || text(t, slow) != text(t, whole) {
			t.Errorf("byte by byte: other counts (%v)", err)
		}
	})
}

func BenchmarkCount(b *testing.B) {
	in := strings.Repeat(corpus(b), 100)
	b.SetBytes(int64(len(in)))
	for b.Loop() {
		if _, err := Count(strings.NewReader(in)); err != nil {
			b.Fatal(err)
		}
	}
}
