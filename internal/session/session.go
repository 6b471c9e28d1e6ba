// Package session keeps a node's session: the one connection to a coordinator through
// which a node that is no coordinator is a member of the grid. By it the node tells that
// it lives, hears what is new, and gets what other nodes signal to it.
//
// Any coordinator will do. A connection to a second one is open in reserve, and the
// session moves there when the first is gone, or says nothing while it should.
package session

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// Config says whose session it is.
type Config struct {
	Identity     *identity.Identity
	Coordinators []string // HOST:PORT of those that are known at first
	Address      string   // HOST:PORT at which this node serves; "" if it does not
	Version      string   // of its binary, for people
	// Beat is what a worker says each time; nil for other nodes.
	Beat func() *anthillv1.HeartbeatRequest
	// Every is how far apart to speak. Default a second.
	Every func() time.Duration
	// Answered is called with what the leader says to a beat or, where the node could
	// not be heard by a leader, with the reason. It must return soon; nil: nobody is told.
	Answered func(*anthillv1.HeartbeatResponse, error)
	Logger   *slog.Logger
}

// Session is a node's.
type Session struct {
	cfg  Config
	dial func(address string) (*gridconn.Conn, error)

	mu       sync.Mutex
	known    []string // coordinators
	resting  map[string]rest
	home     *link // the coordinator that it is with, once that has answered
	reserve  *link
	patience patience
	news     *News
	onNews   []func(News)
	onSignal func(Signal)
	host     string // from which it comes, as a coordinator sees it
	hurry    chan struct{}
	heard    map[chan struct{}]bool // those that wait until the leader has heard a beat
}

// New makes a session that Run keeps.
func New(cfg Config) *Session {
	if cfg.Every == nil {
		cfg.Every = func() time.Duration { return time.Second }
	}
	if cfg.Answered == nil {
		cfg.Answered = func(*anthillv1.HeartbeatResponse, error) {}
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	return &Session{
		cfg: cfg, known: cfg.Coordinators, resting: map[string]rest{}, hurry: make(chan struct{}, 1), heard: map[chan struct{}]bool{},
		dial: func(address string) (*gridconn.Conn, error) {
			return gridconn.Dial(cfg.Identity, []string{address})
		},
	}
}

// Home is HOST:PORT of the coordinator that the session is with; "" while there is none.
func (s *Session) Home() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.home == nil {
		return ""
	}
	return s.home.address
}

// Reserve is HOST:PORT of the coordinator to which a connection is open in reserve; ""
// while there is none.
func (s *Session) Reserve() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.reserve == nil || s.reserve.conn.GetState() != connectivity.Ready {
		return ""
	}
	return s.reserve.address
}

// Signal is what another node has this one told.
type Signal struct {
	From     jobs.NodeID // as a coordinator has authenticated it
	FromHost string      // from which its session comes; "" for coordinators
	// FromDialable are IP:PORTs that led to it when a coordinator dialled them.
	FromDialable []string
	Payload      []byte
}

// Host is from where this node's session comes, as a coordinator sees it; "" if that is
// not known.
func (s *Session) Host() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.host
}

// OnSignal sets who gets the signals of other nodes. It must return soon.
func (s *Session) OnSignal(f func(Signal)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.onSignal = f
}

// Signal sends up to 4 KiB to a node that has a session with any coordinator. Nothing is
// kept for one that has none.
func (s *Session) Signal(ctx context.Context, to jobs.NodeID, payload []byte) error {
	s.mu.Lock()
	home := s.home
	s.mu.Unlock()
	if home == nil {
		return status.Error(codes.Unavailable, "signal node "+to.Short()+": this node has no session at the moment")
	}
	_, err := anthillv1.NewSessionServiceClient(home.conn).Signal(ctx, &anthillv1.SignalRequest{To: string(to), Payload: payload})
	return err
}

// Beat speaks now, and returns when the leader has heard it.
func (s *Session) Beat(ctx context.Context) error {
	done := make(chan struct{})
	s.mu.Lock()
	s.heard[done] = false
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.heard, done)
	}()
	select {
	case s.hurry <- struct{}{}:
	default:
	}
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Run keeps the session until ctx ends.
func (s *Session) Run(ctx context.Context) {
	defer s.hangUp()
	err := errNobody
	for ctx.Err() == nil {
		l, wait := s.next(time.Now())
		if l == nil {
			s.cfg.Answered(nil, err)
			sleep(ctx, wait)
			continue
		}
		err = s.attend(ctx, l)
		if ctx.Err() == nil {
			s.lost(l, err)
		}
		_ = l.conn.Close() // there is nothing left in it
	}
}

// errNobody: no coordinator is known, or none was tried yet.
var errNobody = status.Error(codes.Unavailable, "no coordinator could be connected to")

// lost notes why the session with a coordinator ended.
func (s *Session) lost(l *link, err error) {
	s.mu.Lock()
	s.home = nil
	s.rest(l, err, time.Now())
	if errors.Is(err, errSilent) {
		s.patience.grow(time.Now())
	}
	s.mu.Unlock()
	s.cfg.Logger.Debug("the session has ended", "coordinator", l.address, "error", err)
	s.cfg.Answered(nil, err)
}

func (s *Session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.home = nil
	if s.reserve != nil {
		_ = s.reserve.conn.Close()
		s.reserve = nil
	}
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
