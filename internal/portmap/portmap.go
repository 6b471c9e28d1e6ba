// Package portmap has the router of a home pass a TCP port on to this machine, by
// whichever of PCP, NAT-PMP and UPnP it understands.
//
// What a router says is not believed further than that: it may be somebody else's, or
// behind another. It is asked at its own address alone, and what it answers is bounded
// in bytes and time.
package portmap

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync/atomic"
	"time"
)

const (
	// askedLife is how long a port is asked for. Routers give less if they like, and
	// forget it by themselves if nobody renews it.
	askedLife = 2 * time.Hour
	// leastLife and mostLife bound what a router can say of it.
	leastLife = time.Minute
	mostLife  = 24 * time.Hour
	// closeTime is how long giving a port back may take.
	closeTime = 2 * time.Second
)

// ErrNoRouter: there is nobody to ask.
var ErrNoRouter = errors.New("there is no router between this machine and the net")

// lease is a port that a router has opened, and for how long.
type lease struct {
	external netip.AddrPort
	life     time.Duration
}

// protocol is one way to ask a router.
type protocol interface {
	// open asks for a port, or for the same again for another life.
	open(ctx context.Context) (lease, error)
	close(ctx context.Context) error
}

// Port is a TCP port of this machine that the router passes on. It is for one goroutine at
// a time, but for External.
type Port struct {
	lease atomic.Pointer[lease]
	by    string
	ask   protocol
}

// External is IP:PORT at which others may come in, by the router's word: where the IP is
// unspecified, it did not say.
func (p *Port) External() netip.AddrPort { return p.lease.Load().external }

// Life is how long the port is open without Renew.
func (p *Port) Life() time.Duration { return p.lease.Load().life }

// By is "PCP", "NAT-PMP" or "UPnP".
func (p *Port) By() string { return p.by }

// Open asks this machine's router to pass a port on to IP:PORT, at which something
// listens; the IP may be unspecified. It takes some seconds where the router understands
// nothing. The error says what came of each way.
func Open(ctx context.Context, listens netip.AddrPort) (*Port, error) {
	gateway, err := gateway()
	if err != nil {
		return nil, fmt.Errorf("open port %d at the router: %w", listens.Port(), err)
	}
	return openAt(ctx, gateway, listens)
}

func openAt(ctx context.Context, router netip.Addr, listens netip.AddrPort) (*Port, error) {
	local, err := localToward(router)
	switch ip := listens.Addr().Unmap(); {
	case err != nil:
	case !local.IsPrivate() || !router.IsPrivate():
		err = ErrNoRouter
	case !ip.IsUnspecified() && ip != local:
		err = fmt.Errorf("what listens at %v cannot be reached through the router: it passes on to %v", ip, local)
	}
	if err != nil {
		return nil, fmt.Errorf("open port %d at the router %v: %w", listens.Port(), router, err)
	}
	h := home{router: router, local: netip.AddrPortFrom(local, listens.Port())}
	var errs []error
	for _, way := range []struct {
		name string
		protocol
	}{{"PCP", newPCP(h)}, {"NAT-PMP", natPMP{h}}, {"UPnP", &upnp{home: h}}} {
		p := &Port{by: way.name, ask: way.protocol}
		if err = p.open(ctx); err == nil {
			return p, nil
		}
		errs = append(errs, fmt.Errorf("%s: %w", way.name, err))
	}
	return nil, fmt.Errorf("open port %d at the router %v: %w", listens.Port(), router, errors.Join(errs...))
}

// home is a machine and its router.
type home struct {
	router netip.Addr
	local  netip.AddrPort
}

// localToward is the address of this machine that a router knows. Nothing is sent.
func localToward(router netip.Addr) (netip.Addr, error) {
	conn, err := net.Dial("udp4", netip.AddrPortFrom(router, pcpPort).String())
	if err != nil {
		return netip.Addr{}, err
	}
	defer conn.Close()
	at, err := netip.ParseAddrPort(conn.LocalAddr().String())
	return at.Addr().Unmap(), err
}

func (p *Port) open(ctx context.Context) error {
	l, err := p.ask.open(ctx)
	if err == nil {
		l.life = min(max(l.life, leastLife), mostLife)
		p.lease.Store(&l)
	}
	return err
}

// Renew asks for the port for another Life. The router may give another one.
func (p *Port) Renew(ctx context.Context) error {
	if err := p.open(ctx); err != nil {
		return fmt.Errorf("renew a port at the router by %s: %w", p.by, err)
	}
	return nil
}

// Close gives the port back. It takes two seconds at most, and what a router does not
// hear it forgets in its time.
func (p *Port) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTime)
	defer cancel()
	if err := p.ask.close(ctx); err != nil {
		return fmt.Errorf("give a port back to the router by %s: %w", p.by, err)
	}
	return nil
}
