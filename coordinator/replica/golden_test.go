package replica

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"os"
	"testing"
)

// readGolden unpacks a file that an earlier build wrote, by the rules of version 4:
// testdata/commands.gz are 134 log entries, each after its length as a uvarint, with
// every kind of verdict and most kinds of commands; testdata/snapshot.gz is the snapshot
// after the last of them. They are not to be written again while version 4 can be read.
func readGolden(t *testing.T, name string) []byte {
	t.Helper()
	file, err := os.Open("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = file.Close() }()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestLogOfAnEarlierBuild: its commands are read, written alike, and bring a state to
// the very bytes to which they brought it then.
func TestLogOfAnEarlierBuild(t *testing.T) {
	f := newFSM()
	for rest := readGolden(t, "commands.gz"); len(rest) > 0; {
		size, n := binary.Uvarint(rest)
		entry := rest[n : n+int(size)]
		rest = rest[n+int(size):]
		c, err := DecodeCommand(entry)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := EncodeCommand(c, 4); err != nil || !bytes.Equal(again, entry) {
			t.Fatalf("%+v is written otherwise: %v", c, err)
		}
		f.state.Apply(c)
		f.advance(f.index + 1)
	}
	var b bytes.Buffer
	if err := encodeSnapshot(&b, &snapshot{Index: f.index, State: f.state.Clone()}); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), readGolden(t, "snapshot.gz")) {
		t.Error("the commands lead to another state")
	}
}

// TestSnapshotOfAnEarlierBuild: it is read, and written alike.
func TestSnapshotOfAnEarlierBuild(t *testing.T) {
	data := readGolden(t, "snapshot.gz")
	s, err := decodeSnapshot(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	s.State.Reindex()
	var b bytes.Buffer
	if err := encodePieces(&b, &snapshot{Index: s.Index, State: s.State.Clone()}, 3); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), data) {
		t.Error("it is written otherwise")
	}
}
