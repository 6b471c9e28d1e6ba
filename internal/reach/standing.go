package reach

import (
	"context"
	"net"
	"net/netip"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

const (
	// standingEvery is how often a coordinator is asked to look back; it keeps what it
	// saw for longer.
	standingEvery = 4 * time.Minute
	// standingTick is how often it is looked whether anything has changed, and how long
	// after a failure it is asked again, the first time.
	standingTick = time.Second
	// standingTime bounds one question.
	standingTime = 2 * lookTime
	// maxOwn is how many of a machine's own addresses a coordinator is asked about.
	maxOwn = 2
)

// Standing is how a node can be reached, as a coordinator has found out.
type Standing struct {
	Looked   bool     // one has
	Dialable []string // IP:PORTs at which the node answered
	// Mapped: all of them are of a port that its router has opened.
	Mapped  bool
	Mapping Mapping // what its router makes of its UDP packets
	Port    string  // at which it listens
	Relay   string  // HOST:PORT of the one that it met others at; "": at none yet
}

// String is one sentence, with what to do about it.
func (s Standing) String() string {
	switch {
	case !s.Looked:
		return "not looked at yet"
	case len(s.Dialable) > 0 && s.Mapped:
		return "mapped: the router has opened a port"
	case len(s.Dialable) > 0:
		return "direct"
	case s.Mapping == Same:
		return "behind a router: punched"
	}
	through := ""
	if s.Relay != "" {
		through = " through " + s.Relay
	}
	return "behind a router: relayed" + through + "; opening TCP port " + s.Port + " to this machine would make it direct"
}

// LookBack is what a node asks of a coordinator: to be dialled.
type LookBack struct {
	Address    string // HOST:PORT at which it listens
	Advertised []string
	Mapped     []string // of them, those at a port that its router has opened
	Mapping    Mapping
	Relay      string
}

// found is what a coordinator has found out.
type found struct {
	looks  []Look
	mapped []string // the addresses of the router's port that it was asked about
}

// Standing is how this node can be reached.
func (r *Room) Standing() Standing {
	s := Standing{Mapping: r.Mapping(), Relay: r.relays.latest()}
	_, s.Port, _ = net.SplitHostPort(r.cfg.Address)
	if f := r.found.Load(); f != nil {
		s.Looked = true
		s.Dialable, s.Mapped = Answered(f.looks, f.mapped)
	}
	return s
}

// Answered are the IP:PORTs that led to a node, and whether all are of a port that its
// router has opened.
func Answered(looks []Look, mapped []string) (dialable []string, all bool) {
	var through []string
	for _, l := range looks {
		if l.Answered == "" {
			continue
		}
		if !slices.Contains(dialable, l.Answered) {
			dialable = append(dialable, l.Answered)
		}
		if slices.Contains(mapped, l.Address) {
			through = append(through, l.Answered)
		}
	}
	return dialable, len(dialable) > 0 && !slices.ContainsFunc(dialable, func(a string) bool { return !slices.Contains(through, a) })
}

// Mapping is what this node's router makes of its UDP packets.
func (r *Room) Mapping() Mapping {
	kind, _ := r.outside.mapping(time.Now())
	return kind
}

// addresses are where this node can perhaps be dialled.
func (r *Room) addresses() []string {
	list := []string{r.cfg.Address}
	for _, address := range r.Standing().Dialable {
		if !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list[:min(len(list), maxKnocks)]
}

// lookIn has a coordinator look after a while.
func (r *Room) lookIn(d time.Duration) { r.look.Store(new(time.Now().Add(d))) }

// keepStanding has a coordinator look back: every now and then, and when the network
// is another.
func (r *Room) keepStanding() {
	ticker := time.NewTicker(standingTick)
	defer ticker.Stop()
	var due time.Time
	var host string
	var kind Mapping
	for failures := 0; ; {
		s := r.session.Load()
		if s != nil && s.LookBack != nil && s.Host() != "" {
			now := time.Now()
			if besides := r.look.Load(); besides != nil && now.After(*besides) && r.look.CompareAndSwap(besides, nil) {
				due = now
			}
			if h, k := s.Host(), r.Mapping(); h != host || k != kind || !now.Before(due) {
				host, kind, due = h, k, now.Add(standingEvery)
				if err := r.lookBack(s); err != nil {
					due = now.Add(min(standingEvery, standingTick<<failures))
					failures = min(failures+1, 10)
				} else {
					failures = 0
				}
			}
		}
		select {
		case <-ticker.C:
		case <-r.ctx.Done():
			return
		}
	}
}

func (r *Room) lookBack(s *Session) error {
	ctx, cancel := context.WithTimeout(r.ctx, standingTime)
	defer cancel()
	mapped := r.mapped.addresses(s.Host())
	besides := slices.Concat(r.cfg.Advertised, mapped, r.ownPublic(s.Host()))
	looks, err := s.LookBack(ctx, LookBack{
		Address: r.cfg.Address, Advertised: besides[:min(len(besides), maxLooks)], Mapped: mapped, Mapping: r.Mapping(), Relay: r.relays.latest(),
	})
	if err != nil {
		r.cfg.Logger.Debug("failed to have a coordinator look back", "error", err)
		return err
	}
	r.found.Store(&found{looks, mapped})
	select {
	case r.looked <- struct{}{}:
	default:
	}
	for _, l := range looks {
		if slices.Contains(r.cfg.Advertised, l.Address) && l.Answered == "" {
			r.cfg.Logger.Warn("an advertised address does not lead here", "address", l.Address, "error", l.Why)
		}
	}
	return nil
}

// ownPublic are HOST:PORTs of this machine's own public addresses beside the one that a
// coordinator sees: it sees one family of them, and there may be another.
func (r *Room) ownPublic(seen string) (list []string) {
	if !r.cfg.Listens.Addr().IsUnspecified() {
		return nil
	}
	host, err := netip.ParseAddr(seen)
	if err != nil {
		return nil
	}
	return otherFamily(ownAddresses(), r.cfg.Listens, host.Unmap())
}

// otherFamily are those of a machine's addresses that are public, and not of the family
// of the one that is known, at the port at which it listens.
func otherFamily(own []netip.Addr, listens netip.AddrPort, known netip.Addr) (list []string) {
	for _, ip := range own {
		if !isPublic(ip) || ip.Is4() == known.Is4() || listens.Addr().Is4() && !ip.Is4() {
			continue
		}
		if list = append(list, netip.AddrPortFrom(ip, listens.Port()).String()); len(list) == maxOwn {
			break
		}
	}
	return list
}

// Prove dials an address, and fails if it does not lead to a node.
func (r *Room) Prove(ctx context.Context, node jobs.NodeID, address string) error {
	conn, err := DialTLS(ctx, address, r.cfg.Identity.ClientTLS(identity.WantNode(node), identity.ProtoGRPC))
	if err != nil {
		return err
	}
	return conn.Close()
}
