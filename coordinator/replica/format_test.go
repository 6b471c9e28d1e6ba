package replica

import (
	"errors"
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
)

// mustRefuse opens a replica on what another version left on disk.
func mustRefuse(t *testing.T, dir, what string) {
	t.Helper()
	_, transport := raft.NewInmemTransport("here")
	_, err := Open(Config{Node: "c1", Address: "127.0.0.1:1", Dir: dir, Transport: transport, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !errors.Is(err, errVersion) || !strings.Contains(err.Error(), what) || !strings.Contains(err.Error(), "start a new grid") {
		t.Errorf("error %v, want one about %s", err, what)
	}
}

func TestLogOfAnotherVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	log, err := openLog(filepath.Join(dir, "log"), hclog.NewNullLogger())
	if err != nil {
		t.Fatal(err)
	}
	entries := []*raft.Log{
		{Index: 1, Term: 1, Type: raft.LogNoop}, {Index: 2, Term: 1, Type: raft.LogConfiguration, Data: []byte{newest}},
		{Index: 3, Term: 1, Type: raft.LogCommand, Data: []byte{oldest - 1, 0xa0}},
	}
	if err := log.StoreLogs(entries); err != nil {
		t.Fatal(err)
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, dir, "log entry 3")
}

func TestSnapshotOfAnotherVersionIsRefused(t *testing.T) {
	dir := t.TempDir()
	snapshots, err := raft.NewFileSnapshotStore(dir, 2, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	_, transport := raft.NewInmemTransport("here")
	sink, err := snapshots.Create(raft.SnapshotVersionMax, 5, 1, raft.Configuration{}, 1, transport)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write([]byte{oldest - 1, 0xa0}); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
	mustRefuse(t, dir, "snapshot 1-5-")
}
