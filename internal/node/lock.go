package node

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/internal/problem"
)

// errTaken is what lockFile says of a lock that another process has.
var errTaken = errors.New("another process uses it")

// Lock makes sure that a data directory serves one process. The lock ends with
// the process, however it ends, or when it is closed.
func Lock(dir string) (io.Closer, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open data directory: %w", err)
	}
	f, err := lockFile(filepath.Join(dir, "lock"))
	if errors.Is(err, errTaken) {
		return nil, problem.Invalid("stop the other process, or give this node a directory of its own", "open %s: %w", dir, err)
	}
	if err != nil {
		return nil, fmt.Errorf("lock data directory: %w", err)
	}
	return f, nil
}
