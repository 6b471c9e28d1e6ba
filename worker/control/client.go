package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
)

// Ask sends a command to the worker that runs with this data directory. The
// error is problem.ErrNotFound if there is none.
func Ask(ctx context.Context, dir string, c Command) (Status, error) {
	path, err := socketPath(dir)
	if err != nil {
		return Status{}, noWorker(dir, err)
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "unix", path)
	if err != nil {
		if errors.Is(err, os.ErrPermission) {
			return Status{}, problem.Invalid("be the user who started it", "%s worker in %s: %w", c.Do, dir, err)
		}
		return Status{}, noWorker(dir, err)
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	r, err := exchange(conn, c)
	if err != nil {
		return Status{}, fmt.Errorf("%s worker in %s: %w", c.Do, dir, err)
	}
	if r.Error != "" {
		return r.Status, fmt.Errorf("%s worker in %s: %s", c.Do, dir, r.Error)
	}
	return r.Status, nil
}

// socketPath follows the link that is there where the directory's own path is
// too long.
func socketPath(dir string) (string, error) {
	path, err := filepath.Abs(filepath.Join(dir, socketName))
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

func exchange(conn net.Conn, c Command) (reply, error) {
	var r reply
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return r, err
	}
	if err := json.NewEncoder(conn).Encode(c); err != nil {
		return r, err
	}
	err := json.NewDecoder(conn).Decode(&r)
	return r, err
}

func noWorker(dir string, cause error) error {
	return problem.NotFound("start one with: anthill worker --data "+dir, "find worker: none runs with the data in %s: %w", dir, cause)
}
