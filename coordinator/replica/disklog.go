package replica

import (
	"fmt"
	"os"

	"github.com/hashicorp/go-hclog"
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
