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

// Credentials let no more peers in than may hold a connection at a time: further ones
// are closed, and go to other nodes. A peer takes a place once it has proved to inner
// who it is, by the name that who gives it; one that who exempts takes none. No name
// takes more than a quarter of the places. Of those that are slow to prove it the
// oldest is closed when there are too many.
func (l *Line) Credentials(inner credentials.TransportCredentials, who func(credentials.AuthInfo) (name string, exempt bool)) credentials.TransportCredentials {
	if l.peers == 0 {
		return inner
	}
	return &door{inner, who, &places{free: l.peers, each: max(2, l.peers/4), taken: map[string]int{}}}
}

// door is where peers come in.
type door struct {
	credentials.TransportCredentials
	who    func(credentials.AuthInfo) (name string, exempt bool)
	places *places
}

// ServerHandshake implements credentials.TransportCredentials.
func (d *door) ServerHandshake(raw net.Conn) (net.Conn, credentials.AuthInfo, error) {
	defer d.places.greet(raw)()
	if err := raw.SetDeadline(time.Now().Add(greetTime)); err != nil {
		return nil, nil, errors.Join(err, raw.Close())
	}
	c, info, err := d.TransportCredentials.ServerHandshake(raw)
	if err != nil {
		return c, info, err
	}
	name, exempt := d.who(info)
	if exempt {
		return c, info, nil
	}
	if !d.places.take(name) {
		return nil, nil, errors.Join(errNoPlace, c.Close())
	}
	return &placed{c, sync.OnceFunc(func() { d.places.leave(name) })}, info, nil
}

// Clone implements credentials.TransportCredentials. The places are the same.
func (d *door) Clone() credentials.TransportCredentials {
	return &door{d.TransportCredentials.Clone(), d.who, d.places}
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
	each     int // how many one peer may take
	taken    map[string]int
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

// take tells whether there was a place for a peer.
func (p *places) take(name string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.free == 0 || p.taken[name] == p.each {
		return false
	}
	p.free--
	p.taken[name]++
	return true
}

func (p *places) leave(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free++
	if p.taken[name]--; p.taken[name] == 0 {
		delete(p.taken, name)
	}
}
