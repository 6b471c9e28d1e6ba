// Package doctor looks at a machine's network as a node of a grid would use it: which
// coordinators it reaches, what its router is like, and whether others can dial it.
package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/internal/gridconn"
	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/reach"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

const (
	// patience bounds each of the doctor's questions.
	patience = 30 * time.Second
	// askTime bounds the question where the coordinators are.
	askTime = 2 * time.Second
	// clockSlack is how far a clock may be from the grid's without a remark.
	clockSlack = 2 * time.Second
)

// Patient is whose network is looked at.
type Patient struct {
	Coordinators []string           // HOST:PORT
	Identity     *identity.Identity // nil: it has not joined; then nobody dials back
	Listen       string             // HOST:PORT at which to be dialled
	Advertised   []string           // HOST:PORTs besides
	// NoPortMapping: the router is not asked to open a port.
	NoPortMapping bool
}

// The kinds of routers.
const (
	NoRouter  = "none"
	Cone      = "cone"      // all see the same address of its UDP packets
	Symmetric = "symmetric" // each sees another
	NoUDP     = "no udp"    // nobody sees any
)

// Report is what was found.
type Report struct {
	Coordinators []Coordinator `json:"coordinators"`
	Router       string        `json:"router"`
	// Public is the IP address that others see; "" if that is not known.
	Public string `json:"public,omitempty"`
	// Path is how others reach a node here; "" where nobody dialled back.
	Path string `json:"path,omitempty"`
	// PortMapping is what came of asking the router to open a port; nil where nobody has.
	PortMapping *PortMapping `json:"port_mapping,omitempty"`
	// Looks are what came of dialling back.
	Looks []reach.Look `json:"looks,omitempty"`
	// ClockAhead is how far this machine's clock is ahead of the grid's, in seconds.
	ClockAhead *float64 `json:"clock_ahead,omitempty"`
	// Advice is what to do, a sentence each.
	Advice []string `json:"advice"`
}

// PortMapping is what came of asking the router to open a port.
type PortMapping struct {
	By    string `json:"by,omitempty"`   // the protocol
	Port  string `json:"port,omitempty"` // IP:PORT, by the router's word
	Leads bool   `json:"leads"`          // a coordinator has come in there
	Error string `json:"error,omitempty"`
}

// Coordinator is how one was reached.
type Coordinator struct {
	Address string `json:"address"`
	Path    string `json:"path,omitempty"` // "" if it was not reached
	// Milliseconds is how long a connection took.
	Milliseconds float64 `json:"ms,omitempty"`
	UDP          string  `json:"udp,omitempty"` // the address that it sees; "": no answer
	Error        string  `json:"error,omitempty"`
}

// Examine looks at everything at once.
func Examine(ctx context.Context, p Patient) Report {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if p.Identity != nil {
		p.Coordinators = present(ctx, p)
	}
	r := Report{Coordinators: make([]Coordinator, len(p.Coordinators)), Advice: []string{}}
	var seen map[string]netip.AddrPort
	var all sync.WaitGroup
	for i, address := range p.Coordinators {
		all.Go(func() { r.Coordinators[i] = dial(ctx, address) })
	}
	all.Go(func() { seen, _ = reach.Survey(ctx, p.Coordinators) }) // an error is as good as no answer
	all.Wait()
	for i := range r.Coordinators {
		if at, ok := seen[r.Coordinators[i].Address]; ok {
			r.Coordinators[i].UDP = at.String()
			r.Public = at.Addr().String()
		}
	}
	r.Router = routerOf(seen)
	if p.Identity != nil {
		r.lookBack(ctx, p, reach.MappingOf(seen))
	}
	r.advise(p.Advertised)
	return r
}

// present are the coordinators that there are now, and those that are known. Workers may
// not ask.
func present(ctx context.Context, p Patient) []string {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	conn, err := gridconn.Dial(p.Identity, p.Coordinators)
	if err != nil {
		return p.Coordinators
	}
	defer conn.Close()
	list := slices.Clone(p.Coordinators)
	resp, err := anthillv1.NewNodeServiceClient(conn).ListNodes(ctx, &anthillv1.ListNodesRequest{Role: anthillv1.Role_ROLE_COORDINATOR})
	if err != nil {
		return list
	}
	for _, n := range resp.GetNodes() {
		if n.GetVoter() && n.GetAddress() != "" && !slices.Contains(list, n.GetAddress()) {
			list = append(list, n.GetAddress())
		}
	}
	return list
}

func dial(ctx context.Context, address string) Coordinator {
	c := Coordinator{Address: address}
	began := time.Now()
	conn, err := reach.Dial(ctx, address)
	if err != nil {
		c.Error = err.Error()
		return c
	}
	_ = conn.Close() // nothing was said
	c.Path, c.Milliseconds = reach.Direct.String(), float64(time.Since(began).Microseconds())/1000
	return c
}

// routerOf is the kind of the router, as UDP packets were seen.
func routerOf(seen map[string]netip.AddrPort) string {
	for _, at := range seen {
		if ownAddress(at.Addr()) {
			return NoRouter
		}
	}
	switch reach.MappingOf(seen) {
	case reach.Same:
		return Cone
	case reach.Different:
		return Symmetric
	}
	return NoUDP
}

func ownAddress(ip netip.Addr) bool {
	addrs, _ := net.InterfaceAddrs() // none is as good as an error
	return slices.ContainsFunc(addrs, func(a net.Addr) bool {
		p, err := netip.ParsePrefix(a.String())
		return err == nil && p.Addr().Unmap() == ip.Unmap()
	})
}

// lookBack has the first coordinator that answers dial a port that is open here and, if
// that does not lead here, one that the router has opened.
func (r *Report) lookBack(ctx context.Context, p Patient, mapping reach.Mapping) {
	l, err := net.Listen("tcp", p.Listen)
	if err != nil {
		r.add(fmt.Sprintf("port %s cannot be opened (%v): name another with --listen", p.Listen, err))
		return
	}
	defer l.Close()
	go answer(tls.NewListener(l, p.Identity.ServerTLS(identity.ProtoGRPC)))
	conn, err := gridconn.Dial(p.Identity, p.Coordinators)
	if err != nil {
		return // the coordinators say why
	}
	defer conn.Close()
	x := exam{anthillv1.NewSessionServiceClient(conn), l.Addr().(*net.TCPAddr).AddrPort(), p, mapping}
	began := time.Now()
	now, err := x.look(ctx, r, nil)
	if err != nil {
		r.add("no coordinator dialled back: " + err.Error())
		return
	}
	ahead := began.Add(time.Since(began) / 2).Sub(now).Seconds()
	r.ClockAhead = &ahead
	if r.Path != reach.Direct.String() && !p.NoPortMapping {
		x.mapPort(ctx, r)
	}
}

// exam has a coordinator dial back.
type exam struct {
	coordinator anthillv1.SessionServiceClient
	listens     netip.AddrPort
	Patient
	mapping reach.Mapping
}

// look notes what led here, of which some may be a port of the router's.
func (x exam) look(ctx context.Context, r *Report, mapped []string) (now time.Time, err error) {
	resp, err := x.coordinator.LookBack(ctx, &anthillv1.LookBackRequest{
		Address: x.listens.String(), Advertised: slices.Concat(x.Advertised, mapped), Mapped: mapped, Udp: x.mapping.Proto(),
	})
	if err != nil {
		return now, err
	}
	r.Looks = nil
	for _, l := range resp.GetLooks() {
		r.Looks = append(r.Looks, reach.Look{Address: l.GetAddress(), Answered: l.GetAnswered(), Why: l.GetWhy()})
	}
	standing := reach.Standing{Looked: true, Mapping: x.mapping, Port: fmt.Sprint(x.listens.Port())}
	standing.Dialable, standing.Mapped = reach.Answered(r.Looks, mapped)
	r.Path = standing.String()
	return resp.GetTime().AsTime(), nil
}

// mapPort has the router open a port, and looks whether it leads here.
func (x exam) mapPort(ctx context.Context, r *Report) {
	m := &PortMapping{}
	r.PortMapping = m
	port, err := reach.AskRouter(ctx, x.listens)
	if err != nil {
		m.Error = err.Error()
		return
	}
	defer port.Close() // in vain: the router forgets it
	m.By, m.Port = port.By(), port.External().String()
	seen, _, _ := net.SplitHostPort(r.Looks[0].Address) // where a coordinator looks first
	mapped := reach.MappedAt(port.External(), seen)
	select {
	case <-time.After(reach.MappedLook): // the coordinator has just dialled here
	case <-ctx.Done():
	}
	if _, err := x.look(ctx, r, mapped); err != nil {
		m.Error = err.Error()
		return
	}
	_, m.Leads = reach.Answered(r.Looks, mapped)
}

// answer shakes hands with whoever comes, until the listener is closed.
func answer(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			_ = conn.SetDeadline(time.Now().Add(patience)) // it is closed in any case
			_ = conn.(*tls.Conn).Handshake()
			_ = conn.Close()
		}()
	}
}

// advise says what to do about what was found.
func (r *Report) advise(advertised []string) {
	var reached int
	for _, c := range r.Coordinators {
		if c.Path != "" {
			reached++
		}
	}
	switch {
	case reached == 0:
		r.add("no coordinator can be connected to: check the network, and whether a firewall lets TCP out to them")
		return
	case reached < len(r.Coordinators):
		r.add("some coordinators cannot be connected to: ask the grid's operators whether they run, or let TCP out to them")
	}
	switch r.Router {
	case NoUDP:
		r.add("no UDP comes back: let it out to the coordinators' ports, so that other nodes need no relay")
	case Symmetric:
		r.add("the router takes another port for each destination: other nodes behind routers are reached through relays; opening a port at the router helps")
	}
	if r.Path != "" && r.Path != reach.Direct.String() && (r.PortMapping == nil || !r.PortMapping.Leads) {
		r.add("to be dialled, open a port at the router for this machine and start with --listen :PORT, or --advertise HOST:PORT where the outer port is another")
	}
	for _, l := range r.Looks[min(1, len(r.Looks)):] {
		if l.Answered == "" && slices.Contains(advertised, l.Address) {
			r.add(fmt.Sprintf("--advertise %s does not lead here: %s", l.Address, l.Why))
		}
	}
	if a := r.ClockAhead; a != nil && (*a > clockSlack.Seconds() || *a < -clockSlack.Seconds()) {
		r.add(fmt.Sprintf("this machine's clock is %.0f s off the grid's: set it right", *a))
	}
}

func (r *Report) add(sentence string) { r.Advice = append(r.Advice, sentence) }
