package sdk

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"github.com/anthill-grid/anthill/internal/node"
	"github.com/anthill-grid/anthill/internal/problem"
)

// partsMark is a file by which a directory shows that FetchBlob made it.
const partsMark = "made-by-anthill-get"

// partNames are what FetchBlob and the blob store in such a directory make there.
var partNames = regexp.MustCompile(`^(lock|packs|copies|tmp|complete|tree|[0-9a-f]{2})$`)

// parts is the directory beside a file in which a blob is put together. What has arrived
// stays there for the next time.
type parts struct {
	dir  string
	lock io.Closer
}

// openParts makes the directory, or goes on with one that an earlier FetchBlob has left.
func openParts(dir string) (*parts, error) {
	if err := checkParts(dir); err != nil {
		return nil, err
	}
	lock, err := node.Lock(dir)
	if err != nil {
		return nil, problem.Invalid("wait until the other anthill get has ended, or choose another file", "%w", err)
	}
	mark := []byte("What has come of a file that anthill get fetches; it goes on from here, and removes this in the end.\n")
	if err := os.WriteFile(filepath.Join(dir, partsMark), mark, 0o600); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return &parts{dir: dir, lock: lock}, nil
}

// checkParts refuses a directory of somebody else's: files in it would be removed. After
// an early end there is only a lock.
func checkParts(dir string) error {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.Name() == partsMark {
			return nil
		}
	}
	if len(entries) > 1 || len(entries) == 1 && entries[0].Name() != "lock" {
		return problem.Invalid("move it away, or choose another file", "%s is there, and was not made by anthill get", dir)
	}
	return nil
}

// close leaves the directory to the next FetchBlob.
func (p *parts) close() error { return p.lock.Close() }

// remove takes away what was made in the directory, and the directory unless somebody
// has put something else into it. The mark goes last: an interrupted removal goes on.
func (p *parts) remove() error {
	if err := p.lock.Close(); err != nil {
		return err
	}
	entries, err := os.ReadDir(p.dir)
	for _, entry := range entries {
		if partNames.MatchString(entry.Name()) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(p.dir, entry.Name())))
		}
	}
	if err := errors.Join(err, os.Remove(filepath.Join(p.dir, partsMark))); err != nil {
		return err
	}
	_ = os.Remove(p.dir) // it stays if it is not empty
	return nil
}
