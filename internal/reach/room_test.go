package reach

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthv1 "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

// lan is some nodes on this machine, of which some cannot be dialled.
type lan struct {
	*testing.T
	authority *identity.Authority
	relays    []string

	mu     sync.Mutex
	nodes  map[jobs.NodeID]*host
	walled map[string]bool
	noUDP  bool
}

// udp is the UDP port that a node opens.
func (l *lan) udp(address string) string {
	if l.noUDP {
		return ""
	}
	return address
}

// host is one node.
type host struct {
	lan     *lan
	id      *identity.Identity
	room    *Room
	relay   *Relay
	address string
	dials   string // the host that it can dial; "": all
	callers chan net.Addr
}

func newLAN(t *testing.T) *lan {
	t.Helper()
	a, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return &lan{T: t, authority: a, nodes: map[jobs.NodeID]*host{}, walled: map[string]bool{}}
}

// add starts a node; walled: nobody can dial it.
func (l *lan) add(role jobs.Role, walled bool) *host {
	l.Helper()
	return l.listen(role, walled, "127.0.0.1:0")
}

// listen is add for another address.
func (l *lan) listen(role jobs.Role, walled bool, at string) *host {
	l.Helper()
	key, err := identity.NewKey()
	if err != nil {
		l.Fatal(err)
	}
	cert, err := l.authority.Issue(key.Public(), role, nil)
	if err != nil {
		l.Fatal(err)
	}
	id, err := identity.New(key, cert, l.authority.Certificate())
	if err != nil {
		l.Fatal(err)
	}
	inner, err := net.Listen("tcp", at)
	if err != nil {
		l.Fatal(err)
	}
	h := &host{lan: l, id: id, address: inner.Addr().String(), callers: make(chan net.Addr, 64), relay: NewRelay(RelayConfig{Rate: 100 << 20})}
	l.mu.Lock()
	l.nodes[id.Node()], l.walled[h.address] = h, walled
	l.mu.Unlock()
	h.room = New(Config{Identity: id, Address: h.address, Dial: h.dial, UDP: l.udp(h.address), Tell: role == jobs.Coordinator})
	h.join()
	note := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		from, _ := peer.FromContext(ctx)
		h.callers <- from.Addr
		return next(ctx, req)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(note),
		grpc.Creds(identity.ServerCredentials(id, identity.Handover{Back: h.room.Back, Relay: h.relay.Take})))
	healthv1.RegisterHealthServer(server, health.NewServer())
	served := make(chan struct{})
	go func() { server.Serve(h.room.Listen(inner)); close(served) }()
	l.Cleanup(func() {
		server.Stop()
		<-served
		h.relay.Close()
		h.room.Close()
	})
	return h
}

var errWall = errors.New("a router in between")

func (h *host) dial(ctx context.Context, address string) (net.Conn, error) {
	l := h.lan
	if h.dials != "" && !strings.HasPrefix(address, h.dials+":") {
		return nil, errWall
	}
	l.mu.Lock()
	walled := l.walled[address]
	l.mu.Unlock()
	if walled {
		<-ctx.Done()
		return nil, errWall
	}
	return Dial(ctx, address)
}

// signal has a node told something.
func (l *lan) signal(from, to jobs.NodeID, payload []byte) error {
	l.mu.Lock()
	h := l.nodes[to]
	l.mu.Unlock()
	if h == nil {
		return errors.New("it has no session")
	}
	l.mu.Lock()
	host := "127.0.0.1"
	if strings.HasPrefix(l.nodes[from].address, "[::1]") {
		host = "::1"
	}
	l.mu.Unlock()
	h.room.Signalled(Signal{From: from, FromHost: host, Payload: payload})
	return nil
}

// meetAt makes a node the coordinator that all know of.
func (l *lan) meetAt(h *host) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.relays = []string{h.address}
}

func (l *lan) coordinators() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.relays
}

// join gives a node a session.
func (h *host) join() {
	h.room.Join(Session{
		Signal: func(_ context.Context, to jobs.NodeID, payload []byte) error {
			return h.lan.signal(h.id.Node(), to, payload)
		},
		Coordinators: h.lan.coordinators,
		Host:         func() string { return "127.0.0.1" },
	})
}

// call makes a gRPC call to another node, and says by which path.
func (h *host) call(to *host) (Path, error) {
	target := Target{Node: to.id.Node(), Address: to.address}
	conn, err := grpc.NewClient("passthrough:///"+to.address, grpc.WithTransportCredentials(identity.PeerCredentials(h.id, nil)),
		grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return h.room.Dial(ctx, target) }))
	if err != nil {
		return 0, err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(h.lan.Context(), 10*time.Second)
	defer cancel()
	var at peer.Peer
	if _, err := healthv1.NewHealthClient(conn).Check(ctx, &healthv1.HealthCheckRequest{}, grpc.Peer(&at), grpc.WaitForReady(true)); err != nil {
		return 0, err
	}
	if p, err := identity.FromAuthInfo(at.AuthInfo); err != nil || p.Node != to.id.Node() {
		h.lan.Errorf("node %v answered, want %v (%v)", p.Node, to.id.Node(), err)
	}
	if seen := PathOf(<-to.callers); seen != PathOf(at.Addr) {
		h.lan.Errorf("the caller is by path %v, and the called by %v", PathOf(at.Addr), seen)
	}
	return PathOf(at.Addr), nil
}

func TestPaths(t *testing.T) {
	l := newLAN(t)
	l.noUDP = true
	open, walled, other := l.add(jobs.Coordinator, false), l.add(jobs.Worker, true), l.add(jobs.Worker, true)
	l.meetAt(open)
	for _, c := range []struct {
		from, to *host
		want     Path
	}{{walled, open, Direct}, {open, walled, Reversed}, {walled, other, Relayed}, {other, walled, Relayed}} {
		got, err := c.from.call(c.to)
		if err != nil || got != c.want {
			t.Errorf("got %v (%v), want %v", got, err, c.want)
		}
	}
	carried := open.relay.Carried()
	for _, h := range []*host{walled, other} {
		if carried[string(h.id.Node())] == 0 {
			t.Errorf("nothing was counted for %s: %v", h.id.Node().Short(), carried)
		}
	}
}

// seenBy waits until nodes have been told from where their packets come.
func (l *lan) seenBy(open *host, nodes ...*host) {
	l.Helper()
	l.meetAt(open)
	for _, h := range nodes {
		h.join() // now that there is somebody to ask
		for deadline := time.Now().Add(10 * time.Second); len(h.room.udpAddresses()) == 0; time.Sleep(10 * time.Millisecond) {
			if time.Now().After(deadline) {
				l.Fatal("nobody says from where packets come")
			}
		}
	}
}

// Two nodes that nobody can dial meet by UDP, once a third has told them from where
// their packets come.
func TestPunched(t *testing.T) {
	l := newLAN(t)
	open, walled, other := l.add(jobs.Coordinator, false), l.add(jobs.Worker, true), l.add(jobs.Worker, true)
	l.seenBy(open, walled, other)
	if got, err := walled.call(other); err != nil || got != Punched {
		t.Errorf("got %v (%v), want %v", got, err, Punched)
	}
}

// Connections by UDP that have ended leave neither sockets nor goroutines.
func TestPunchedLeavesNothing(t *testing.T) {
	l := newLAN(t)
	open, walled, other := l.add(jobs.Coordinator, false), l.add(jobs.Worker, true), l.add(jobs.Worker, true)
	l.seenBy(open, walled, other)
	call := func(times int) {
		for range times {
			if got, err := walled.call(other); err != nil || got != Punched {
				t.Fatalf("got %v (%v), want %v", got, err, Punched)
			}
		}
	}
	sockets := func() int {
		list, _ := os.ReadDir("/proc/self/fd") // none elsewhere than on Linux
		return len(list)
	}
	call(5)
	time.Sleep(3 * lastWords)
	before, open1 := runtime.NumGoroutine(), sockets()
	call(60)
	var after, open2 int
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if after, open2 = runtime.NumGoroutine(), sockets(); after <= before && open2 <= open1 {
			return
		}
	}
	t.Errorf("%d goroutines and %d files before, %d and %d after", before, open1, after, open2)
}

// A node that has IPv6 alone reaches one that is known at an address of IPv4 but listens
// on both, and is reached by it.
func TestOneFamilyDoesNotHideTheOther(t *testing.T) {
	l := newLAN(t)
	l.noUDP = true
	both, six := l.listen(jobs.Worker, false, "[::]:0"), l.listen(jobs.Worker, false, "[::1]:0")
	six.dials = "[::1]" // nothing else
	l.meetAt(both)
	_, port, _ := net.SplitHostPort(both.address)
	both.address = "127.0.0.1:" + port // as a coordinator sees it
	for _, c := range []struct {
		from, to *host
		want     Path
	}{{six, both, Reversed}, {both, six, Direct}} {
		if got, err := c.from.call(c.to); err != nil || got != c.want {
			t.Errorf("got %v (%v), want %v", got, err, c.want)
		}
	}
}

// Nobody but the node that was called can come in its place, and nobody uncalled.
func TestOnlyTheCalledComes(t *testing.T) {
	l := newLAN(t)
	open, called, liar := l.add(jobs.Coordinator, false), l.add(jobs.Worker, true), l.add(jobs.Worker, true)
	c := open.room.calls.begin(called.id.Node())
	for name, n := range map[string]nonce{"another node": c.nonce, "nobody's nonce": newNonce()} {
		conn, err := liar.room.dialBack(t.Context(), open.id.Node(), n, open.address)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v, want to be hung up on", name, err)
		}
	}
	select {
	case <-c.arrived:
		t.Error("somebody came who was not called")
	default:
	}
	if _, err := called.room.dialBack(t.Context(), liar.id.Node(), c.nonce, open.address); err == nil {
		t.Error("a node comes to another than the one that called it")
	}
	conn, err := called.room.dialBack(t.Context(), open.id.Node(), c.nonce, open.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	got, err := c.wait(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got.Close()
}

// A stranger, without a certificate of the grid, gets neither to a call nor to a relay.
func TestStrangersAreNotLetIn(t *testing.T) {
	l := newLAN(t)
	open := l.add(jobs.Coordinator, false)
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	for _, proto := range []string{identity.ProtoBack, identity.ProtoRelay} {
		config, err := identity.EnrolTLS(key, [][32]byte{l.authority.Fingerprint()}, proto)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := tls.Dial("tcp", open.address, config)
		if err != nil {
			continue
		}
		conn.SetDeadline(time.Now().Add(5 * time.Second))
		conn.Write(make([]byte, 64))
		if _, err := conn.Read(make([]byte, 1)); err == nil {
			t.Errorf("%s: a stranger is spoken to", proto)
		}
		conn.Close()
	}
}

// A better path that opens is found beside a connection through a relay, and the next
// goes by it.
func TestABetterPathIsTaken(t *testing.T) {
	l := newLAN(t)
	l.noUDP = true
	open, walled, other := l.add(jobs.Coordinator, false), l.add(jobs.Worker, true), l.add(jobs.Worker, true)
	l.meetAt(open)
	told := make(chan Target, 1)
	walled.room.OnBetter(func(at Target) { told <- at })
	target := Target{Node: other.id.Node(), Address: other.address}
	conn, err := walled.room.Dial(t.Context(), target)
	if err != nil || PathOf(conn.RemoteAddr()) != Relayed {
		t.Fatalf("got %v, %v", conn, err)
	}
	defer conn.Close()
	l.mu.Lock()
	l.walled[other.address] = false
	l.mu.Unlock()
	select {
	case at := <-told:
		if at != target {
			t.Errorf("told of %v", at)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("no better path was found")
	}
	if got, err := walled.call(other); err != nil || got != Direct {
		t.Errorf("got %v (%v), want %v", got, err, Direct)
	}
}
