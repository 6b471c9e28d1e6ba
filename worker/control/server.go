package control

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/tempdir"
)

// Worker is what is controlled.
type Worker interface {
	// Do carries out a command. The status counts even with an error.
	Do(Command) (Status, error)
}

// Server listens for commands.
type Server struct {
	worker   Worker
	listener net.Listener
	link     string // in the data directory; empty if the socket is there
	place    string // a temporary directory, or empty
}

// patience bounds how long a connection may last.
const patience = 10 * time.Second

// Listen opens the socket in a worker's data directory. The caller has the
// directory locked: what is there of an earlier worker is removed.
func Listen(dir string, w Worker) (*Server, error) {
	s := &Server{worker: w}
	if err := s.listen(dir); err != nil {
		return nil, fmt.Errorf("listen for commands: %w", errors.Join(err, s.Close()))
	}
	return s, nil
}

func (s *Server) listen(dir string) (err error) {
	path, err := filepath.Abs(filepath.Join(dir, socketName))
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return err
	}
	if len(path) > longestPath {
		if s.place, err = tempdir.Make("control"); err != nil {
			return err
		}
		s.link, path = path, filepath.Join(s.place, socketName)
		if err := os.Symlink(path, s.link); err != nil {
			return err
		}
	}
	if s.listener, err = net.Listen("unix", path); err != nil {
		return err
	}
	return os.Chmod(path, 0o600)
}

// Run answers until ctx ends.
func (s *Server) Run(ctx context.Context) {
	var calls sync.WaitGroup
	defer calls.Wait()
	defer context.AfterFunc(ctx, func() { _ = s.listener.Close() })()
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return // it was closed
		}
		calls.Go(func() { s.serve(conn) })
	}
}

func (s *Server) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	if conn.SetDeadline(time.Now().Add(patience)) != nil {
		return
	}
	line, err := bufio.NewReader(io.LimitReader(conn, 4<<10)).ReadBytes('\n')
	if err != nil {
		return
	}
	var r reply
	var c Command
	if err = json.Unmarshal(line, &c); err == nil {
		r.Status, err = s.worker.Do(c)
	}
	if err != nil {
		r.Error = err.Error()
	}
	_ = json.NewEncoder(conn).Encode(r) // the one who asked may have left
}

// Close removes the socket.
func (s *Server) Close() error {
	var errs []error
	if s.listener != nil {
		if err := s.listener.Close(); !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if s.link != "" {
		errs = append(errs, os.Remove(s.link))
	}
	if s.place != "" {
		errs = append(errs, os.RemoveAll(s.place))
	}
	return errors.Join(errs...)
}
