package replica

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// openLog opens raft's log and vote on disk.
func openLog(dir string, logger hclog.Logger) (*wal.WAL, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	log, err := wal.Open(dir, wal.WithLogger(logger), wal.WithSegmentSize(16<<20))
	if err != nil {
		return nil, fmt.Errorf("open log in %s: %w", dir, err)
	}
	return log, nil
}

// snapshotsKept is how many are: should the newest turn out to be broken, there is another.
const snapshotsKept = 2

// openStores opens what a replica has on disk.
func openStores(dir string, logger hclog.Logger) (*wal.WAL, *raft.FileSnapshotStore, error) {
	logs, err := openLog(filepath.Join(dir, "log"), logger)
	if err != nil {
		return nil, nil, err
	}
	snapshots, err := raft.NewFileSnapshotStoreWithLogger(dir, snapshotsKept, logger)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("open snapshots in %s: %w", dir, err), logs.Close())
	}
	return logs, snapshots, nil
}
