package replica

import (
	"errors"
	"fmt"
	"io"
	"log/slog"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"

	"github.com/anthill-grid/anthill/internal/hclogslog"
	"github.com/anthill-grid/anthill/jobs"
)

// ErrEmpty: there is no state in a directory.
var ErrEmpty = errors.New("it has no log and no snapshot")

// Offline is what a replica that does not run has on its disk: a stopped voter's, or one
// whose group is gone.
type Offline struct {
	// State is as of Index, the last entry of the log. Entries at its end may be known to
	// this replica alone.
	State  *jobs.State
	Index  uint64
	Voters []Voter

	cfg       raft.Config
	logs      *wal.WAL
	snapshots *raft.FileSnapshotStore
	transport raft.Transport
}

// OpenOffline reads a replica's directory. Nothing in it changes.
func OpenOffline(cfg Config) (*Offline, error) {
	o, err := openFiles(cfg)
	if err != nil {
		return nil, err
	}
	if err := o.read(); err != nil {
		return nil, errors.Join(fmt.Errorf("read replica in %s: %w", cfg.Dir, err), o.Close())
	}
	return o, nil
}

// openFiles opens log and snapshots of a replica that does not run.
func openFiles(cfg Config) (*Offline, error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	logger := hclogslog.New(cfg.Logger)
	logs, snapshots, err := openStores(cfg.Dir, logger)
	if err != nil {
		return nil, err
	}
	c := *raft.DefaultConfig()
	c.LocalID, c.Logger = raft.ServerID(cfg.Node), logger
	// It encodes addresses, and connects to nobody.
	listener := NewListener(Address(cfg.Node, cfg.Address), nil)
	return &Offline{cfg: c, logs: logs, snapshots: snapshots, transport: NewTransport(listener, cfg.Logger)}, nil
}

func (o *Offline) read() error {
	if has, err := raft.HasExistingState(o.logs, o.logs, o.snapshots); err != nil {
		return err
	} else if !has {
		return ErrEmpty
	}
	if err := checkFormat(o.logs, o.snapshots); err != nil {
		return err
	}
	f := newFSM()
	config := o.cfg // it changes it
	configuration, err := raft.GetConfiguration(&config, f, o.logs, o.logs, o.snapshots, o.transport)
	if err != nil {
		return err
	}
	o.Voters, o.Index = votersOf(serversOf(configuration)), f.index
	if err := o.replay(f); err != nil {
		return err
	}
	o.State = f.state
	return nil
}

// replay applies what is in the log after the snapshot, which is in the state already.
func (o *Offline) replay(f *fsm) error {
	first, err := o.logs.FirstIndex()
	if err != nil {
		return err
	}
	last, err := o.logs.LastIndex()
	if err != nil {
		return err
	}
	var entry raft.Log
	for index := max(first, o.Index+1); first > 0 && index <= last; index++ {
		if err := o.logs.GetLog(index, &entry); err != nil {
			return fmt.Errorf("read log entry %d: %w", index, err)
		}
		if entry.Type == raft.LogCommand {
			f.Apply(&entry)
		}
		o.Index = index
	}
	return nil
}

// Recover makes the replica the only voter of its group. What only others had is lost.
func (o *Offline) Recover() error {
	alone := raft.Configuration{Servers: []raft.Server{{ID: o.cfg.LocalID, Address: o.transport.LocalAddr()}}}
	if err := raft.RecoverCluster(&o.cfg, newFSM(), o.logs, o.logs, o.snapshots, o.transport, alone); err != nil {
		return fmt.Errorf("recover replica: %w", err)
	}
	return nil
}

// Close lets go of the files.
func (o *Offline) Close() error {
	if t, ok := o.transport.(raft.WithClose); ok {
		_ = t.Close() // it never connected
	}
	return o.logs.Close()
}

// Seed makes the directory of a replica that is the only voter of a group with a state:
// one from a backup. The directory must not have a log yet.
func Seed(cfg Config, state *jobs.State) (err error) {
	o, err := openFiles(cfg)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, o.Close()) }()
	if has, err := raft.HasExistingState(o.logs, o.logs, o.snapshots); err != nil || has {
		return errors.Join(err, fmt.Errorf("seed replica: %s has a log already", cfg.Dir))
	}
	const index, term = 1, 1
	alone := raft.Configuration{Servers: []raft.Server{{ID: o.cfg.LocalID, Address: o.transport.LocalAddr()}}}
	sink, err := o.snapshots.Create(raft.SnapshotVersionMax, index, term, alone, index, o.transport)
	if err != nil {
		return fmt.Errorf("seed replica: %w", err)
	}
	if err := (&snapshot{Index: index, State: state}).Persist(sink); err != nil {
		return err
	}
	return o.logs.SetUint64([]byte("CurrentTerm"), term)
}

// WriteState writes a consistent copy of the state, and says of which log index it is.
func (r *Replica) WriteState(w io.Writer) (index uint64, err error) {
	copied, err := r.fsm.Snapshot()
	if err != nil {
		return 0, err
	}
	s := copied.(*snapshot)
	defer s.Release()
	return s.Index, encodeSnapshot(w, s)
}

// ReadState reads what WriteState wrote.
func ReadState(r io.Reader) (*jobs.State, error) {
	s, err := decodeSnapshot(r)
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	s.State.Reindex()
	return s.State, nil
}
