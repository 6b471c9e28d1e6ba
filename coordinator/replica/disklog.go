package replica

import (
	"errors"
	"fmt"
	"os"

	"github.com/hashicorp/go-hclog"
	wal "github.com/hashicorp/raft-wal"
	"github.com/hashicorp/raft-wal/metadb"
)

// diskLog is raft's log and vote on disk. It closes the log's index too, which
// wal.WAL leaves open and locked: to open it again in this process would hang.
type diskLog struct {
	*wal.WAL
	index *metadb.BoltMetaDB
}

func openLog(dir string, logger hclog.Logger) (*diskLog, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	index := &metadb.BoltMetaDB{}
	w, err := wal.Open(dir, wal.WithMetaStore(index), wal.WithLogger(logger), wal.WithSegmentSize(16<<20))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open log in %s: %w", dir, err), index.Close())
	}
	return &diskLog{w, index}, nil
}

// Close closes both.
func (l *diskLog) Close() error { return errors.Join(l.WAL.Close(), l.index.Close()) }
