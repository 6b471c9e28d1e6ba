package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/anthill-grid/anthill/internal/lab/guests"
)

const guest = "github.com/anthill-grid/anthill/examples/wordcount/guest"

func TestGuestIsNative(t *testing.T) {
	g := guests.Load(t, guests.Build(t, guest))
	for name, shard := range shards(t) {
		var want bytes.Buffer
		if err := run(bytes.NewReader(shard), &want); err != nil {
			t.Fatal(err)
		}
		got, err := g.Run(bytes.NewReader(shard))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s: the guest's counts differ from native ones", name)
		}
	}
}

func shards(t testing.TB) map[string][]byte {
	t.Helper()
	shards := map[string][]byte{
		"nothing":   nil,
		"not UTF-8": []byte("ant\xff\xfebee\xe8\x9a"),
		"long":      []byte(strings.Repeat("ant Hügel 蟻 x", 20_000)),
	}
	paths, err := filepath.Glob("../corpus/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	for _, path := range paths {
		if shards[path], err = os.ReadFile(path); err != nil {
			t.Fatal(err)
		}
	}
	return shards
}

// BenchmarkGuest is a whole task: start, count, sort, write.
func BenchmarkGuest(b *testing.B) {
	var shard []byte
	for len(shard) < 4<<20 {
		for _, text := range shards(b) {
			shard = append(shard, text...)
		}
	}
	g := guests.Load(b, guests.Build(b, guest))
	b.SetBytes(int64(len(shard)))
	for b.Loop() {
		if _, err := g.Run(bytes.NewReader(shard)); err != nil {
			b.Fatal(err)
		}
	}
}
