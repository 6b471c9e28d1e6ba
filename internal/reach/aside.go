package reach

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What goes over the UDP port beside QUIC begins with one of these bytes, with which no
// packet of QUIC does. A question is longer than its answer, so that nobody can have a
// third flooded.
const (
	asideNothing = 1 // opens the sender's router
	asideAsk     = 2 // 16 random bytes, padded: from where do I come?
	asideTell    = 3 // those bytes, and HOST:PORT
	askSize      = 80
)

const (
	// seenEvery is how often a node asks from where its packets come; that also keeps
	// its router from forgetting.
	seenEvery = 20 * time.Second
	// seenLife is how long an answer counts.
	seenLife = 3 * seenEvery
	// askPatience is how long an answer is waited for, and askAgain when it is asked
	// once more.
	askPatience = time.Second
	askAgain    = 250 * time.Millisecond
	// tellRate bounds the questions that are answered in a second.
	tellRate = 500
)

// outside is how this node looks from outside, by whom it asked.
type outside struct {
	mu      sync.Mutex
	waiting map[nonce]chan netip.AddrPort
	seen    map[string]sighting // by the relay that was asked
}

type sighting struct {
	at   time.Time
	from netip.AddrPort
}

// hearAside answers questions, and takes answers.
func (r *Room) hearAside(p *port) {
	buffer := make([]byte, 2*askSize)
	room := rate.NewLimiter(tellRate, tellRate)
	for {
		n, from, err := p.transport.ReadNonQUICPacket(r.ctx, buffer)
		if err != nil {
			return // it was closed
		}
		udp, ok := from.(*net.UDPAddr)
		if !ok || n < 1+nonceSize {
			continue
		}
		id, _ := nonceOf(buffer[1 : 1+nonceSize])
		switch {
		case buffer[0] == asideAsk && n >= askSize && r.cfg.Tell && room.Allow():
			answer := append(append([]byte{asideTell}, id[:]...), plainAddr(udp).String()...)
			_, _ = p.transport.WriteTo(answer[:min(len(answer), askSize)], from) // it asks again
		case buffer[0] == asideTell:
			if at, err := netip.ParseAddrPort(string(buffer[1+nonceSize : n])); err == nil {
				r.outside.told(id, netip.AddrPortFrom(at.Addr().Unmap(), at.Port()))
			}
		}
	}
}

func plainAddr(udp *net.UDPAddr) netip.AddrPort {
	at := udp.AddrPort()
	return netip.AddrPortFrom(at.Addr().Unmap(), at.Port())
}

func (o *outside) told(id nonce, at netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if c := o.waiting[id]; c != nil {
		delete(o.waiting, id)
		c <- at
	}
}

// questionOf is padded to askSize, so that nobody gets more for it than it costs to ask.
func questionOf(id nonce) []byte {
	return slices.Concat([]byte{asideAsk}, id[:], bytes.Repeat([]byte{0}, askSize-1-nonceSize))
}

// ask asks a coordinator from where this node's packets come.
func (r *Room) ask(ctx context.Context, p *port, coordinator string) (netip.AddrPort, error) {
	to, err := net.ResolveUDPAddr("udp", coordinator)
	if err != nil {
		return netip.AddrPort{}, err
	}
	var id nonce
	rand.Read(id[:]) // never fails
	answer := make(chan netip.AddrPort, 1)
	o := &r.outside
	o.mu.Lock()
	if o.waiting == nil {
		o.waiting = map[nonce]chan netip.AddrPort{}
	}
	o.waiting[id] = answer
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		delete(o.waiting, id)
	}()
	question := questionOf(id)
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	for {
		if _, err := p.transport.WriteTo(question, to); err != nil {
			return netip.AddrPort{}, err
		}
		select {
		case at := <-answer:
			return at, nil
		case <-time.After(askAgain):
		case <-ctx.Done():
			return netip.AddrPort{}, errors.New("no answer by UDP")
		}
	}
}

// keepSeen asks two coordinators every now and then: by two it shows whether the router
// takes another port for each.
func (r *Room) keepSeen(p *port) {
	for r.ctx.Err() == nil {
		if s := r.session.Load(); s != nil {
			r.lookFromOutside(p, s.Coordinators())
		}
		select {
		case <-time.After(seenEvery):
		case <-r.joined:
		case <-r.ctx.Done():
		}
	}
}

func (r *Room) lookFromOutside(p *port, coordinators []string) {
	var all sync.WaitGroup
	for _, c := range coordinators[:min(len(coordinators), maxRelays)] {
		all.Go(func() {
			at, err := r.ask(r.ctx, p, c)
			if err != nil {
				r.cfg.Logger.Debug("failed to ask from where packets come", "coordinator", c, "error", err)
				return
			}
			r.outside.mu.Lock()
			defer r.outside.mu.Unlock()
			if r.outside.seen == nil {
				r.outside.seen = map[string]sighting{}
			}
			r.outside.seen[c] = sighting{time.Now(), at}
		})
	}
	all.Wait()
}

// Mapping is what a router makes of a node's UDP packets.
type Mapping uint8

// The kinds of mapping.
const (
	NoUDP     Mapping = iota // nobody outside answers
	Same                     // all see the same address
	Different                // each sees another: it cannot be told to anybody
)

// mapping is what the router makes of this node's packets, and the addresses from which
// they come of which all see the same.
func (o *outside) mapping(now time.Time) (Mapping, []netip.AddrPort) {
	o.mu.Lock()
	defer o.mu.Unlock()
	var seen []netip.AddrPort
	for _, s := range o.seen {
		if now.Sub(s.at) <= seenLife {
			seen = append(seen, s.from)
		}
	}
	return mappingOf(seen)
}

// mappingOf judges each family of addresses by itself: a node may have one of IPv4 and
// one of IPv6, and some of those whom it asks see the one and some the other.
func mappingOf(seen []netip.AddrPort) (kind Mapping, same []netip.AddrPort) {
	for _, v4 := range []bool{true, false} {
		var first netip.AddrPort
		own := NoUDP
		for _, at := range seen {
			switch {
			case at.Addr().Is4() != v4:
			case own == NoUDP:
				own, first = Same, at
			case at != first:
				own = Different
			}
		}
		if own == Same {
			same = append(same, first)
		}
		if own == Same || kind == NoUDP {
			kind = own
		}
	}
	return kind, same
}
