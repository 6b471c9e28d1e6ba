package throttle

import (
	"errors"
	"net"
	"slices"
	"sync"
	"time"

	"google.golang.org/grpc/credentials"
)

const (
	// greetTime is how long a connection may take to prove who it is.
	greetTime = 5 * time.Second
	// maxGreeting bounds the connections that have not yet done so.
	maxGreeting = 64
)

// errNoPlace: as many peers as may are connected.
var errNoPlace = errors.New("all places are taken")

// Credentials let no more peers in than may hold a connection at a time: one beyond
// is closed, and goes to another node. Only who has proved to inner who it is takes a
// place, and who is exempt takes none. Of those that are slow to prove it the oldest
// is closed when there are too many.
func (l *Line) Credentials(inner credentials.TransportCredentials, exempt func(credentials.AuthInfo) bool) credentials.TransportCredentials {
	if l.peers == 0 {
		return inner
	}
	return &door{inner, exempt, &places{free: l.peers}}
}

// door is where peers come in.
type door struct {
	credentials.TransportCredentials
	exempt func(credentials.AuthInfo) bool
	places *places
}

// ServerHandshake implements credentials.TransportCredentials.
func (d *door) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	defer d.places.greet(raw)()
	if err := raw.SetDeadline(time.Now().Add(greetTime)); err != nil {
		return nil, nil, errors.Join(err, raw.Close())
	}
	c, info, err := d.TransportCredentials.ServerHandshake(raw)
	if err != nil || d.exempt(info) {
		return c, info, err
	}
	if !d.places.take() {
		return nil, nil, errors.Join(errNoPlace, c.Close())
	}
	return &placed{c, sync.OnceFunc(d.places.leave)}, info, nil
}

// Clone implements credentials.TransportCredentials. The places are the same.
func (d *door) Clone() credentials.TransportCredentials {
	return &door{d.TransportCredentials.Clone(), d.exempt, d.places}
}

// placed is a connection that has a place.
type placed struct {
	net.Conn
	leave func()
}

// Close gives the place to others.
func (p *placed) Close() error {
	p.leave()
	return p.Conn.Close()
}

// places are what a node has for its peers.
type places struct {
	mu       sync.Mutex
	free     int
	greeting []net.Conn // the oldest first
}

// greet notes that a connection comes in, until done is called.
func (p *places) greet(c net.Conn) (done func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.greeting) == maxGreeting {
		_ = p.greeting[0].Close() // nobody knows yet who it is
		p.greeting = slices.Delete(p.greeting, 0, 1)
	}
	p.greeting = append(p.greeting, c)
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.greeting = slices.DeleteFunc(p.greeting, func(other net.Conn) bool { return other == c })
	}
}

// take tells whether there was a place.
func (p *places) take() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == 0 {
		return false
	}
	p.free--
	return true
}

func (p *places) leave() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
}
