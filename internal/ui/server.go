// Package ui serves the page to the user of this machine, on loopback: behind a door that
// knows who was shown its link, the files of package web, the grid's API as JSON (see
// package jsonapi) and the bytes of results. It does so for a grid's user and, without a
// grid, for a donor and the worker on this machine.
package ui

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/anthill-grid/anthill/internal/problem"
)

// Server is a page that is being served.
type Server struct {
	listener net.Listener
	door     *door
	http     *http.Server
}

// Listen opens a page at HOST:PORT, which must be this machine's own loopback. Used is called
// when somebody has opened it by its link: then Link is another.
func Listen(address string, inside http.Handler, used func()) (*Server, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, problem.Invalid("write it like 127.0.0.1:8080", "--listen %q: %w", address, err)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return nil, problem.Invalid("for another machine: ssh -L 8080:127.0.0.1:8080 THIS-MACHINE, with --listen 127.0.0.1:8080",
			"--listen %s: the page does all that you may, so it is served on loopback alone", address)
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve page: %w", err)
	}
	s := &Server{listener: l}
	s.door = newDoor(l.Addr(), inside, used)
	s.http = &http.Server{
		Handler: s.door, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 32 << 10,
	}
	return s, nil
}

// Link opens the page, once.
func (s *Server) Link() string { return s.door.link(s.listener.Addr().String()) }

// URL is where the server is, and Key what programs of this user send it in the place of a
// browser's cookie.
func (s *Server) URL() string { return "http://" + s.listener.Addr().String() }

// Key is told with URL.
func (s *Server) Key() string { return s.door.key }

// Close ends the server, also one that never ran.
func (s *Server) Close() error { return errors.Join(s.http.Close(), ignoreClosed(s.listener.Close())) }

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

// Run serves until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	s.http.BaseContext = func(net.Listener) context.Context { return ctx }
	defer context.AfterFunc(ctx, func() { _ = s.http.Close() })()
	if err := s.http.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve page: %w", err)
	}
	return nil
}
