// Package localsock lets programs on one machine meet at a unix socket in a data
// directory, which only the directory's owner may open.
package localsock

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"

	"github.com/anthill-grid/anthill/internal/tempdir"
)

// longestPath is how many bytes the path of a socket may have.
const longestPath = 100

// Listener is a socket.
type Listener struct {
	net.Listener
	link  string // in the data directory; empty if the socket is there
	place string // a temporary directory, or empty
}

// Listen opens a socket of that name in a directory. The caller has the directory locked:
// what is there of an earlier process is removed.
func Listen(dir, name string) (*Listener, error) {
	l := &Listener{}
	if err := l.listen(dir, name); err != nil {
		return nil, errors.Join(err, l.Close())
	}
	return l, nil
}

func (l *Listener) listen(dir, name string) (err error) {
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(path) > longestPath {
		if l.place, err = tempdir.Make("socket"); err != nil {
			return err
		}
		l.link, path = path, filepath.Join(l.place, name)
		if err := os.Symlink(path, l.link); err != nil {
			return err
		}
	}
	if l.Listener, err = net.Listen("unix", path); err != nil {
		return err
	}
	return os.Chmod(path, 0o600)
}

// Close removes the socket. It may be called again.
func (l *Listener) Close() error {
	var errs []error
	if l.Listener != nil {
		if err := l.Listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if l.link != "" {
		if err := os.Remove(l.link); !errors.Is(err, os.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if l.place != "" {
		errs = append(errs, os.RemoveAll(l.place))
	}
	return errors.Join(errs...)
}

// Dial connects to the socket of that name in a directory. The error is os.ErrNotExist if
// nobody has listened there, and os.ErrPermission for other users.
func Dial(ctx context.Context, dir, name string) (net.Conn, error) {
	path, err := find(dir, name)
	if err != nil {
		return nil, err
	}
	return (&net.Dialer{}).DialContext(ctx, "unix", path)
}

// find follows the link that is there where the directory's own path is too long.
func find(dir, name string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, name))
	if err != nil {
		return "", err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return "", err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		return os.Readlink(path)
	}
	return path, nil
}
