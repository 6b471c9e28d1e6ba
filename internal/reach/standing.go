package reach

import (
	"context"
	"net"
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
)

// Standing is how a node can be reached, as a coordinator has found out.
type Standing struct {
	Looked   bool     // one has
	Dialable []string // IP:PORTs at which the node answered
	Mapping  Mapping  // what its router makes of its UDP packets
	Port     string   // at which it listens
}

// String is one sentence, with what to do about it.
func (s Standing) String() string {
	switch {
	case !s.Looked:
		return "not looked at yet"
	case len(s.Dialable) > 0:
		return "direct"
	case s.Mapping == Same:
		return "behind a router: punched"
	}
	return "behind a router: relayed; opening TCP port " + s.Port + " to this machine would make it direct"
}

// LookBack is what a node asks of a coordinator: to be dialled.
type LookBack struct {
	Address    string // HOST:PORT at which it listens
	Advertised []string
	Mapping    Mapping
}

// Standing is how this node can be reached.
func (r *Room) Standing() Standing {
	s := Standing{Mapping: r.Mapping()}
	_, s.Port, _ = net.SplitHostPort(r.cfg.Address)
	if looks := r.looks.Load(); looks != nil {
		s.Looked = true
		for _, l := range *looks {
			if l.Answered != "" {
				s.Dialable = append(s.Dialable, l.Answered)
			}
		}
	}
	return s
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
	looks, err := s.LookBack(ctx, LookBack{Address: r.cfg.Address, Advertised: r.cfg.Advertised, Mapping: r.Mapping()})
	if err != nil {
		r.cfg.Logger.Debug("failed to have a coordinator look back", "error", err)
		return err
	}
	r.looks.Store(&looks)
	for _, l := range looks {
		if slices.Contains(r.cfg.Advertised, l.Address) && l.Answered == "" {
			r.cfg.Logger.Warn("an advertised address does not lead here", "address", l.Address, "error", l.Why)
		}
	}
	return nil
}

// Prove dials an address, and fails if it does not lead to a node.
func (r *Room) Prove(ctx context.Context, node jobs.NodeID, address string) error {
	conn, err := DialTLS(ctx, address, r.cfg.Identity.ClientTLS(identity.WantNode(node), identity.ProtoGRPC))
	if err != nil {
		return err
	}
	return conn.Close()
}
