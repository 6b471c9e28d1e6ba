package replica

import (
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// A leader that died has entries that nobody else has. When it comes back they
// are cut off, and it may die again right after: raft-wal v0.4.0 could not read
// its log any more then.
func TestLogIsReadableAfterItsEndWasCutOff(t *testing.T) {
	dir := t.TempDir()
	log, err := openLog(dir, hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	for i := range uint64(5) {
		if err := log.StoreLog(&raft.Log{Index: i + 1, Term: 1, Data: []byte{byte(i)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.DeleteRange(4, 5); err != nil {
		t.Fatal(err)
	}
	if err := log.StoreLog(&raft.Log{Index: 4, Term: 2, Data: []byte{40}}); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	if log, err = openLog(dir, hclog.NewNullLogger()); err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	for i, want := range []byte{0, 1, 2, 40} {
		var entry raft.Log
		if err := log.GetLog(uint64(i+1), &entry); err != nil || entry.Data[0] != want {
			t.Errorf("entry %d: %v, %v; want %d", i+1, entry.Data, err, want)
		}
	}
}
