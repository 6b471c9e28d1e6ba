package reach

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/portmap"
)

const (
	// openTime is how long a router may take to open a port, or to say that it does not.
	openTime = 15 * time.Second
	// firstAskAgain is after how long a router is asked again that did not open one; the
	// time doubles up to mostAskAgain.
	firstAskAgain = time.Minute
	mostAskAgain  = time.Hour
	// vainLooks is how many looks in a row must have found that nothing comes in through
	// a port until it is given back.
	vainLooks = 3
	// MappedLook is how long after a port was opened a coordinator is asked to look: it
	// leaves the address alone for ownRest that it has just looked at.
	MappedLook = ownRest + time.Second
)

// RouterPort is a port that this node's router has opened.
type RouterPort interface {
	// External is IP:PORT at which it is, by the router's word; an unspecified IP is one
	// that it did not say.
	External() netip.AddrPort
	// Life is how long it is open without Renew.
	Life() time.Duration
	// By names the protocol.
	By() string
	Renew(context.Context) error
	Close() error
}

// Mapper has the router pass a port on to IP:PORT, at which this node listens.
type Mapper func(ctx context.Context, listens netip.AddrPort) (RouterPort, error)

// AskRouter opens a port by whichever protocol the router understands.
func AskRouter(ctx context.Context, listens netip.AddrPort) (RouterPort, error) {
	p, err := portmap.Open(ctx, listens)
	if err != nil {
		return nil, err
	}
	return p, nil
}

// mapped is the port that this node's router has opened, if it has.
type mapped struct {
	mu    sync.Mutex
	port  RouterPort
	since time.Time     // when it was opened, renewed, or refused
	rest  time.Duration // then, until the router is asked again
	vain  int           // looks in a row that did not find this node there
}

// addresses are HOST:PORTs at which the port may be. Whether it is, a coordinator finds
// out.
func (m *mapped) addresses(host string) (list []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.port == nil {
		return nil
	}
	return MappedAt(m.port.External(), host)
}

// MappedAt are HOST:PORTs at which a port may be that a router says to be at one, and
// whose node comes from a host, as others see it.
func MappedAt(external netip.AddrPort, host string) (list []string) {
	if isPublic(external.Addr()) {
		list = append(list, external.String())
	}
	if seen := net.JoinHostPort(host, strconv.Itoa(int(external.Port()))); host != "" && !slices.Contains(list, seen) {
		list = append(list, seen)
	}
	return list
}

// keepMapped has the router open a port when a coordinator has found that this node
// cannot be dialled, keeps it open, and gives it back in the end.
func (r *Room) keepMapped(listens netip.AddrPort) {
	m := &r.mapped
	defer m.giveBack(r)
	for {
		timer := time.NewTimer(m.untilDue(time.Now()))
		looked := false
		select {
		case <-r.looked:
			looked = true
		case <-timer.C:
		case <-r.ctx.Done():
		}
		timer.Stop()
		if r.ctx.Err() != nil {
			return
		}
		m.step(r, listens, looked)
	}
}

// untilDue is how long nothing needs to be done about the port.
func (m *mapped) untilDue(now time.Time) time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.port == nil {
		return mostAskAgain // a coordinator looks before
	}
	return max(time.Second, m.rest-now.Sub(m.since))
}

// step does what is to be done, at its time or when a coordinator has just looked.
func (m *mapped) step(r *Room, listens netip.AddrPort, looked bool) {
	standing := r.Standing()
	found := standing.Looked && len(standing.Dialable) > 0
	m.mu.Lock()
	port, early := m.port, time.Since(m.since) < m.rest
	if m.vain++; found || !looked {
		m.vain = 0
	}
	vain := m.vain
	m.mu.Unlock()
	switch {
	case port == nil && standing.Looked && !found && !early:
		m.open(r, listens)
	case port == nil:
	case vain >= vainLooks:
		m.giveBack(r)
		r.cfg.Logger.Info("nothing comes in through the port that the router has opened: there may be another router before it")
		m.refused(mostAskAgain)
	case vain == 1 || !early: // the router may have forgotten it
		m.renew(r, port, vain > 0)
	}
}

func (m *mapped) open(r *Room, listens netip.AddrPort) {
	ctx, cancel := context.WithTimeout(r.ctx, openTime)
	defer cancel()
	port, err := r.cfg.Map(ctx, listens)
	if err != nil {
		m.mu.Lock()
		again := min(max(firstAskAgain, 2*m.rest), mostAskAgain)
		m.mu.Unlock()
		r.cfg.Logger.Debug("failed to have the router open a port", "error", err, "again", again)
		m.refused(again)
		return
	}
	r.cfg.Logger.Info("the router has opened a port", "port", port.External(), "by", port.By())
	m.mu.Lock()
	m.port, m.vain = port, 0
	m.mu.Unlock()
	m.opened(r, port)
}

// opened notes that a port is open, and has a coordinator look.
func (m *mapped) opened(r *Room, port RouterPort) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since, m.rest = time.Now(), port.Life()/2
	r.lookIn(MappedLook)
}

// refused notes that there is no port, and when the router is asked again.
func (m *mapped) refused(again time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since, m.rest = time.Now(), again
}

// renew keeps the port open. If the router does not, it is asked for another one once a
// coordinator has found that there is none.
func (m *mapped) renew(r *Room, port RouterPort, doubted bool) {
	ctx, cancel := context.WithTimeout(r.ctx, openTime)
	defer cancel()
	before := port.External()
	if err := port.Renew(ctx); err != nil {
		r.cfg.Logger.Debug("failed to renew the port at the router", "error", err)
		m.giveBack(r)
		m.refused(0)
		r.lookIn(MappedLook)
		return
	}
	if doubted || port.External() != before {
		m.opened(r, port)
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.since, m.rest = time.Now(), port.Life()/2
}

// giveBack ends the port, if there is one.
func (m *mapped) giveBack(r *Room) {
	m.mu.Lock()
	port := m.port
	m.port = nil
	m.mu.Unlock()
	if port == nil {
		return
	}
	if err := port.Close(); err != nil {
		r.cfg.Logger.Debug("failed to give the router its port back", "error", err)
	}
}
