package session

import (
	"context"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/gridconn"
)

const (
	// A coordinator with which a session failed is left alone for a while, which doubles
	// each time; half of it is chance, so that those who lost the same one do not come
	// back together.
	firstRest = 200 * time.Millisecond
	maxRest   = 3 * time.Second
	// replacedRest is for how long where another process with this node's identity has
	// taken the session.
	replacedRest = 5 * time.Second
	// settle is over how long those that have moved spread the making of a connection in
	// reserve.
	settle = 2 * time.Second
	// reserveEvery is how often the reserve is looked at.
	reserveEvery = time.Second
)

// link is a connection to one coordinator.
type link struct {
	address string
	conn    *gridconn.Conn
	bad     int // how often the reserve was seen broken, in a row
}

// rest is until when a coordinator is left alone, after so many failures.
type rest struct {
	until    time.Time
	failures int
}

// next is the coordinator to have the session with: the one in reserve, or any. Where all
// rest it says for how long.
func (s *Session) next(now time.Time) (*link, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.reserve; l != nil {
		s.reserve = nil
		return l, 0
	}
	address, wait := s.choose("", now)
	if address == "" {
		return nil, wait
	}
	l, err := s.open(address)
	if err != nil {
		s.cfg.Logger.Debug("failed to connect", "coordinator", address, "error", err)
		return nil, time.Second
	}
	return l, 0
}

func (s *Session) open(address string) (*link, error) {
	conn, err := s.dial(address)
	if err != nil {
		return nil, err
	}
	return &link{address: address, conn: conn}, nil
}

// choose is one of the coordinators that do not rest, by chance; otherwise for how long
// the first of them still does.
func (s *Session) choose(not string, now time.Time) (string, time.Duration) {
	var able []string
	wait := time.Second
	for _, address := range s.known {
		if address == not {
			continue
		}
		if left := s.resting[address].until.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		able = append(able, address)
	}
	if len(able) == 0 {
		return "", wait
	}
	return able[rand.IntN(len(able))], 0
}

// rest leaves a coordinator alone for a while. It is called with mu held.
func (s *Session) rest(l *link, err error, now time.Time) {
	r := s.resting[l.address]
	span := min(maxRest, firstRest<<min(r.failures, 16))
	if status.Code(err) == codes.Aborted {
		span = max(span, replacedRest)
	}
	r.failures++
	r.until = now.Add(span/2 + rand.N(span/2))
	s.resting[l.address] = r
}

// keepReserve has a connection to a second coordinator open, while the session is with
// this one.
func (s *Session) keepReserve(ctx context.Context, home *link) {
	sleep(ctx, rand.N(settle))
	for ctx.Err() == nil {
		s.renewReserve(home, time.Now())
		sleep(ctx, reserveEvery)
	}
}

func (s *Session) renewReserve(home *link, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if l := s.reserve; l != nil {
		if l.conn.GetState() != connectivity.TransientFailure {
			l.bad = 0
			return
		}
		if l.bad++; l.bad < 3 { // it may be about to come back
			return
		}
		_ = l.conn.Close() // nobody uses it
		s.rest(l, nil, now)
		s.reserve = nil
	}
	address, _ := s.choose(home.address, now)
	if address == "" {
		return
	}
	l, err := s.open(address)
	if err != nil {
		s.cfg.Logger.Debug("failed to connect in reserve", "coordinator", address, "error", err)
		return
	}
	s.reserve = l
}
