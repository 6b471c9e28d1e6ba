package rpc

import (
	"context"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/reach"
	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// whereaboutsLife is how long it counts where a node was found: it has a coordinator
	// look again well before.
	whereaboutsLife = 10 * time.Minute
	// vouchTime bounds the telling of other coordinators.
	vouchTime = 3 * time.Second
)

// LookBack implements SessionService.
func (s *Server) LookBack(ctx context.Context, req *anthillv1.LookBackRequest) (*anthillv1.LookBackResponse, error) {
	if err := checkAddress("address", req.GetAddress()); err != nil {
		return nil, err
	}
	if err := reach.CheckAdvertised(req.GetAdvertised()); err != nil {
		return nil, jobs.InvalidField("advertised", "%v", err)
	}
	if req.GetRelay() != "" {
		if err := checkAddress("relay", req.GetRelay()); err != nil {
			return nil, err
		}
	}
	c := callerFrom(ctx)
	looks := s.looks.At(ctx, reach.Claim{
		Node: c.Node, Owner: s.ownerOf(c.Node), Host: c.host, Address: req.GetAddress(), Advertised: req.GetAdvertised(),
	})
	found := &anthillv1.Whereabouts{
		NodeId: string(c.Node), Listens: req.GetAddress(), Udp: reach.MappingFromProto(req.GetUdp()).Proto(), Relay: req.GetRelay(),
	}
	found.Dialable, found.Mapped = reach.Answered(looks, req.GetMapped())
	resp := &anthillv1.LookBackResponse{}
	for _, l := range looks {
		resp.Looks = append(resp.Looks, &anthillv1.Look{Address: l.Address, Answered: l.Answered, Why: l.Why})
	}
	s.whereabouts.note(found, time.Now())
	go s.vouch(found)
	resp.Time = wire.TimeToProto(s.cfg.Replica.Wall())
	return resp, nil
}

// vouch tells the other coordinators how a node can be reached. Who does not hear it now
// does when the node is looked at again.
func (s *Server) vouch(found *anthillv1.Whereabouts) {
	ctx, cancel := context.WithTimeout(context.Background(), vouchTime)
	defer cancel()
	for _, v := range s.cfg.Replica.Servers() {
		if v.Node == s.cfg.Node {
			continue
		}
		conn, err := s.cfg.DialCoordinator(v.Address)
		if err == nil {
			_, err = anthillv1.NewCoordinatorServiceClient(conn).Vouch(ctx, &anthillv1.VouchRequest{Whereabouts: found})
		}
		if err != nil {
			s.cfg.Logger.Debug("failed to tell a coordinator where a node is", "coordinator", v.Node.Short(), "node", found.GetNodeId(), "error", err)
		}
	}
}

// Vouch implements CoordinatorService.
func (s *Server) Vouch(_ context.Context, req *anthillv1.VouchRequest) (*anthillv1.VouchResponse, error) {
	if w := req.GetWhereabouts(); w != nil {
		s.whereabouts.note(w, time.Now())
	}
	return &anthillv1.VouchResponse{}, nil
}

// reach is where others are told to reach a caller that says it listens at an address: on
// the host that it calls from or, if it was not found there, where it was.
func (s *Server) reach(c caller, said string) string {
	believed := c.reach(said)
	if c.Role == jobs.Coordinator {
		return believed
	}
	dialable := s.whereabouts.dialable(c.Node, said, time.Now())
	if len(dialable) == 0 || slices.Contains(dialable, believed) {
		return believed
	}
	return dialable[0]
}

// whereabouts are how nodes can be reached, by node and the port at which one of its
// processes listens. The zero value knows of none.
type whereabouts struct {
	mu    sync.Mutex
	nodes map[jobs.NodeID]map[string]whereabout
	swept time.Time
}

type whereabout struct {
	*anthillv1.Whereabouts
	at time.Time
}

func (w *whereabouts) note(found *anthillv1.Whereabouts, now time.Time) {
	_, port, err := net.SplitHostPort(found.GetListens())
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sweep(now)
	node := jobs.NodeID(found.GetNodeId())
	if w.nodes[node] == nil {
		w.nodes[node] = map[string]whereabout{}
	}
	w.nodes[node][port] = whereabout{found, now}
}

// sweep forgets what is too old.
func (w *whereabouts) sweep(now time.Time) {
	if w.nodes == nil {
		w.nodes, w.swept = map[jobs.NodeID]map[string]whereabout{}, now
	}
	if now.Sub(w.swept) < time.Minute {
		return
	}
	w.swept = now
	forget(w.nodes, func(x whereabout) bool { return now.Sub(x.at) >= whereaboutsLife })
}

// dialable are the IP:PORTs at which the process of a node was found that listens at an
// address.
func (w *whereabouts) dialable(node jobs.NodeID, listens string, now time.Time) []string {
	_, port, _ := net.SplitHostPort(listens) // there is nothing at none
	w.mu.Lock()
	defer w.mu.Unlock()
	if x := w.nodes[node][port]; now.Sub(x.at) < whereaboutsLife {
		return x.GetDialable()
	}
	return nil
}

// of is what was found last of a node, nil if there is nothing.
func (w *whereabouts) of(node jobs.NodeID, now time.Time) *anthillv1.Whereabouts {
	w.mu.Lock()
	defer w.mu.Unlock()
	var last whereabout
	for _, x := range w.nodes[node] {
		if x.at.After(last.at) && now.Sub(x.at) < whereaboutsLife {
			last = x
		}
	}
	return last.Whereabouts
}

// all are the IP:PORTs at which any process of a node was found.
func (w *whereabouts) all(node jobs.NodeID, now time.Time) (list []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, x := range w.nodes[node] {
		if now.Sub(x.at) < whereaboutsLife {
			list = append(list, x.GetDialable()...)
		}
	}
	return list
}
