package gridconn

import (
	"math/rand/v2"
	"sync/atomic"

	"google.golang.org/grpc/balancer"
	"google.golang.org/grpc/balancer/endpointsharding"
	"google.golang.org/grpc/balancer/pickfirst"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/status"
)

// inTurn is the name of the policy by which calls go to one coordinator after the other,
// and to none that hangs: gRPC's round_robin with a picker of its own.
const inTurn = "anthill_in_turn"

func init() { balancer.Register(turns{}) }

// linesKey is where an endpoint has the lines of the Conn that it was given to.
type linesKey struct{}

type turns struct{}

// Name implements balancer.Builder.
func (turns) Name() string { return inTurn }

// Build implements balancer.Builder.
func (turns) Build(cc balancer.ClientConn, opts balancer.BuildOptions) balancer.Balancer {
	return endpointsharding.NewBalancer(picking{cc}, opts, balancer.Get(pickfirst.Name).Build, endpointsharding.Options{})
}

// picking picks among the coordinators that are connected.
type picking struct{ balancer.ClientConn }

// UpdateState implements balancer.ClientConn.
func (c picking) UpdateState(s balancer.State) {
	if s.ConnectivityState == connectivity.Ready {
		p := &picker{}
		p.next.Store(rand.Uint32())
		for _, child := range endpointsharding.ChildStatesFromPicker(s.Picker) {
			if child.State.ConnectivityState == connectivity.Ready {
				p.list = append(p.list, candidate{child.State.Picker, child.Endpoint})
			}
		}
		s.Picker = p
	}
	c.ClientConn.UpdateState(s)
}

type candidate struct {
	balancer.Picker
	endpoint resolver.Endpoint
}

func (c candidate) address() string { return c.endpoint.Addresses[0].Addr }

// line is nil where the connection is not watched, as through a proxy.
func (c candidate) line() *line {
	known, _ := c.endpoint.Attributes.Value(linesKey{}).(*lines)
	if known == nil {
		return nil
	}
	return known.of(c.address())
}

type picker struct {
	list []candidate
	next atomic.Uint32
}

// Pick implements balancer.Picker.
func (p *picker) Pick(info balancer.PickInfo) (balancer.PickResult, error) {
	t, _ := info.Ctx.Value(tryKey{}).(*try)
	first := p.next.Add(1) % uint32(len(p.list))
	for i := range p.list {
		c := p.list[(int(first)+i)%len(p.list)]
		if t != nil && t.pinned != "" {
			if t.pinned == c.address() {
				return c.Pick(info)
			}
			continue
		}
		l := c.line()
		if l != nil && l.hung.Load() {
			continue
		}
		if t != nil {
			t.sent(l)
		}
		return c.Pick(info)
	}
	return balancer.PickResult{}, status.Error(codes.Unavailable, errHung.Error())
}
