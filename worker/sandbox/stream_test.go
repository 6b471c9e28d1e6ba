package sandbox

import (
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
)

func TestTailKeepsTheEnd(t *testing.T) {
	var all strings.Builder
	kept := &tail{limit: 10}
	for _, part := range []string{"", "abc", "defghij", "k", strings.Repeat("long ", 9), "z", "0123456789", "-"} {
		n, err := io.MultiWriter(&all, kept).Write([]byte(part))
		if n != len(part) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
		want := all.String()[max(0, all.Len()-10):]
		if got := string(kept.bytes()); got != want {
			t.Errorf("after %q: kept %q, want %q", part, got, want)
		}
		if cap(kept.kept) > 100 {
			t.Errorf("buffer grew to %d bytes", cap(kept.kept))
		}
	}
}

func TestHeadKeepsTheBeginning(t *testing.T) {
	kept := &head{limit: 5}
	for _, part := range []string{"abc", "defg", "h"} {
		if n, err := kept.Write([]byte(part)); n != len(part) || err != nil {
			t.Fatalf("Write = %d, %v", n, err)
		}
	}
	if string(kept.kept) != "abcde" {
		t.Errorf("kept %q", kept.kept)
	}
}

func TestOutputUpToTheLimitIsTaken(t *testing.T) {
	b := &limitedBuffer{limit: 4}
	if n, err := b.Write([]byte("four")); n != 4 || err != nil || b.exceeded {
		t.Fatalf("Write = %d, %v", n, err)
	}
	defer func() {
		if r := recover(); r != errOutputLimit || !b.exceeded || string(b.content) != "four" {
			t.Errorf("recovered %v, exceeded %v, content %q", r, b.exceeded, b.content)
		}
	}()
	_, _ = b.Write([]byte("5"))
}

// TestOutputIsMovedIntoLittleMore: the walls have room for twice the limit, in which
// nothing is collected.
func TestOutputIsMovedIntoLittleMore(t *testing.T) {
	for _, limit := range []int64{1000, 1 << 20, 1<<20 + 1} {
		b := &limitedBuffer{limit: limit}
		var allocated, last int
		for range limit / 100 {
			_, _ = b.Write(make([]byte, 100))
			if c := cap(b.content); c != last {
				allocated, last = allocated+c, c
			}
		}
		if int64(allocated) > 2*limit {
			t.Errorf("limit of %d: %d bytes were allocated", limit, allocated)
		}
	}
}

// TestInputComesInTheSamePortions compares the two sources of a shard.
func TestInputComesInTheSamePortions(t *testing.T) {
	content := "0123456789"
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, []byte("xx"+content+"yy"), 0o600); err != nil {
		t.Fatal(err)
	}
	var portions [2][]string
	for i, o := range []order{
		{input: []byte(content)},
		{request: request{StdinFile: Section{Path: path, Offset: 2, Length: 10}}},
	} {
		in, err := openInput(o)
		if err != nil {
			t.Fatal(err)
		}
		buffer := make([]byte, 4)
		for {
			n, err := in.Read(buffer)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			portions[i] = append(portions[i], string(buffer[:n]))
		}
		in.close()
	}
	want := "0123|4567|89"
	for i := range portions {
		if got := strings.Join(portions[i], "|"); got != want {
			t.Errorf("source %d gave %s, want %s", i, got, want)
		}
	}
}

func TestInputRemembersAnError(t *testing.T) {
	bad := errors.New("bad disk")
	in := &input{source: io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(bad)), left: 10}
	for range 2 {
		if _, err := in.Read(make([]byte, 5)); !errors.Is(err, bad) {
			t.Errorf("Read = %v, want %v", err, bad)
		}
	}
	if !errors.Is(in.err, bad) {
		t.Errorf("remembered %v", in.err)
	}
}

// TestRandomIsAESInCounterMode pins the bytes: guests on other machines and of
// later versions must see the same ones. The value is AES-256 of the zero block
// under the zero key, a known test vector.
func TestRandomIsAESInCounterMode(t *testing.T) {
	r, err := newRandom(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	got := []byte("0123456789abcdef")
	for i := range got {
		if _, err := r.Read(got[i : i+1]); err != nil {
			t.Fatal(err)
		}
	}
	if want := "dc95c078a2408989ad48a21492842087"; hex.EncodeToString(got) != want {
		t.Errorf("first block = %x, want %s", got, want)
	}
	if _, err := newRandom([]byte("short")); err == nil {
		t.Error("a seed of 5 bytes was taken")
	}
}
