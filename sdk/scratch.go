package sdk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/anthill-grid/anthill/internal/node"
)

const (
	scratchPrefix = "anthill-"
	// scratchAge is how old a directory must be to count as left behind: the process
	// that makes one needs a moment until it holds the lock.
	scratchAge = time.Hour
)

// scratch is a directory for blobs that are needed while a command runs.
type scratch struct {
	dir  string
	lock io.Closer
}

// newScratch makes one for a purpose. Blobs may have many gigabytes, and on many
// systems /tmp lies in memory: so it is made in the user's cache directory, unless
// TMPDIR says where temporary files are to go.
func newScratch(purpose string) (*scratch, error) {
	root := os.Getenv("TMPDIR")
	if root == "" {
		root = cacheRoot()
		sweep(root)
	}
	dir, err := os.MkdirTemp(root, scratchPrefix+purpose+"-")
	if err != nil {
		return nil, fmt.Errorf("make temporary directory: %w", err)
	}
	lock, err := node.Lock(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make temporary directory: %w", err), os.RemoveAll(dir))
	}
	return &scratch{dir: dir, lock: lock}, nil
}

// cacheRoot is where scratches are made; the system's temporary directory if the user
// has no cache directory, or one that cannot be written.
func cacheRoot() string {
	cache, err := os.UserCacheDir()
	if err != nil {
		return os.TempDir()
	}
	root := filepath.Join(cache, "anthill")
	if err := os.MkdirAll(root, 0o700); err != nil {
		return os.TempDir()
	}
	return root
}

// sweep removes what killed processes left behind: nothing else tidies the cache
// directory. What cannot be removed now stays for the next time.
func sweep(root string) {
	entries, err := os.ReadDir(root)
	if err != nil {
		return
	}
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil || !info.IsDir() || !strings.HasPrefix(entry.Name(), scratchPrefix) || time.Since(info.ModTime()) < scratchAge {
			continue
		}
		dir := filepath.Join(root, entry.Name())
		if lock, err := node.Lock(dir); err == nil {
			_ = lock.Close()
			_ = os.RemoveAll(dir)
		}
	}
}

// store is where the blobs lie.
func (s *scratch) store() string { return filepath.Join(s.dir, "blobs") }

func (s *scratch) remove() error {
	return errors.Join(s.lock.Close(), os.RemoveAll(s.dir))
}
