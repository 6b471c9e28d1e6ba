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
	"github.com/anthill-grid/anthill/internal/tempdir"
)

// scratchAge is how old a directory must be to count as left behind: the process
// that makes one needs a moment until it holds the lock.
const scratchAge = time.Hour

// scratch is a directory for blobs that are needed while a command runs.
type scratch struct {
	dir  string
	lock io.Closer
}

// newScratch makes one for a purpose.
func newScratch(purpose string) (*scratch, error) {
	dir, err := makeRoom(purpose)
	if err != nil {
		return nil, err
	}
	lock, err := node.Lock(dir)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make temporary directory: %w", err), os.RemoveAll(dir))
	}
	return &scratch{dir: dir, lock: lock}, nil
}

// makeRoom makes the directory. Blobs may have many gigabytes, and on many systems /tmp
// lies in memory: so it is made in the user's cache directory, unless TMPDIR says where
// temporary files are to go, or the cache directory cannot be written.
func makeRoom(purpose string) (string, error) {
	if os.Getenv("TMPDIR") == "" {
		if root, err := cacheRoot(); err == nil {
			sweep(root)
			if dir, err := tempdir.In(root, purpose); err == nil {
				return dir, nil
			}
		}
	}
	return tempdir.Make(purpose)
}

// cacheRoot is where scratches are made.
func cacheRoot() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	root := filepath.Join(cache, "anthill")
	return root, os.MkdirAll(root, 0o700)
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
		if err != nil || !info.IsDir() || !strings.HasPrefix(entry.Name(), tempdir.Prefix) || time.Since(info.ModTime()) < scratchAge {
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
