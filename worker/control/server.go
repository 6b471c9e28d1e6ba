package control

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/localsock"
)

// Worker is what is controlled.
type Worker interface {
	// Do carries out a command. The status counts even with an error.
	Do(Command) (Status, error)
}

// Server listens for commands.
type Server struct {
	worker   Worker
	listener *localsock.Listener
}

// patience bounds how long a connection may last.
const patience = 10 * time.Second

// Listen opens the socket in a worker's data directory. The caller has the
// directory locked: what is there of an earlier worker is removed.
func Listen(dir string, w Worker) (*Server, error) {
	l, err := localsock.Listen(dir, socketName)
	if err != nil {
		return nil, fmt.Errorf("listen for commands: %w", err)
	}
	return &Server{worker: w, listener: l}, nil
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
func (s *Server) Close() error { return s.listener.Close() }
