package e2e

import (
	"io"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/gridtest"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// TestTheOddOneEnds has a coordinator start with a state that is not that of the others. It
// is found out, ends, says what to do, and does not start again; the others go on.
func TestTheOddOneEnds(t *testing.T) {
	grid := gridtest.Start(t, gridtest.Config{})
	odd, others := lastOf(t, grid)
	grid.KillAll(t, odd)
	doctor(t, grid, odd, func(s *jobs.State) { s.Saboteurs++ })
	grid.RestartAll(t, odd)
	const word = "its state differs from that of most others as of log index"
	for end := time.Now().Add(time.Minute); !strings.Contains(grid.Log(t, odd), word); time.Sleep(500 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s has another state, and nobody finds out", odd)
		}
		grid.Token(t, anthillv1.Role_ROLE_WORKER, "ann", time.Hour) // something is written
	}
	told := false
	for _, name := range others {
		told = told || strings.Contains(grid.Log(t, name), "the coordinators' states differ")
	}
	if !told {
		t.Error("no other coordinator tells of it")
	}
	for end := time.Now().Add(20 * time.Second); len(grid.Ended()) == 0 && time.Now().Before(end); {
		time.Sleep(50 * time.Millisecond)
	}
	if ended := grid.Ended(); len(ended) != 1 || ended[0] != odd {
		t.Errorf("%v ended, want %s", ended, odd)
	}
	if err := grid.Restart(t.Context(), odd); err == nil || !strings.Contains(err.Error(), "join again in an empty directory") {
		t.Errorf("it starts again: %v", err)
	}
	grid.Token(t, anthillv1.Role_ROLE_WORKER, "ann", time.Hour)
}

// doctor changes the state of a coordinator that does not run, behind raft's back.
func doctor(t *testing.T, grid *gridtest.Grid, name string, change func(*jobs.State)) {
	t.Helper()
	id, err := identity.Load(grid.Dir(name))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(grid.Dir(name), "raft")
	log := slog.New(slog.DiscardHandler)
	offline, err := replica.OpenOffline(replica.Config{Node: id.Identity.Node(), Address: "127.0.0.1:1", Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	change(offline.State)
	if err := offline.Close(); err != nil {
		t.Fatal(err)
	}
	var last raft.Log
	logs, err := wal.Open(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	if err := logs.GetLog(offline.Index, &last); err != nil {
		t.Fatal(err)
	}
	if err := logs.Close(); err != nil {
		t.Fatal(err)
	}
	var servers raft.Configuration
	for _, v := range offline.Voters {
		servers.Servers = append(servers.Servers, raft.Server{ID: raft.ServerID(v.Node), Address: replica.Address(v.Node, v.Address)})
	}
	store, err := raft.NewFileSnapshotStore(dir, 2, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	transport := replica.NewTransport(replica.NewListener(replica.Address(id.Identity.Node(), "127.0.0.1:1"), nil), log)
	defer transport.Close()
	sink, err := store.Create(raft.SnapshotVersionMax, offline.Index, last.Term, servers, offline.Index, transport)
	if err != nil {
		t.Fatal(err)
	}
	data, err := cbor.Marshal(map[int]any{1: offline.Index, 2: offline.State})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sink.Write(append([]byte{byte(offline.State.Version())}, data...)); err != nil {
		t.Fatal(err)
	}
	if err := sink.Close(); err != nil {
		t.Fatal(err)
	}
}
