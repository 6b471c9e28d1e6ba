package control

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"time"

	"github.com/anthill-grid/anthill/internal/localsock"
	"github.com/anthill-grid/anthill/internal/problem"
)

// Ask sends a command to the worker that runs with this data directory. The
// error is problem.ErrNotFound if there is none.
func Ask(ctx context.Context, dir string, c Command) (Status, error) {
	conn, err := localsock.Dial(ctx, dir, socketName)
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
