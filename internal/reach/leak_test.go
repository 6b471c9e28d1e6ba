package reach

import (
	"context"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"google.golang.org/grpc/test/bufconn"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

// pipes is a network in memory, on virtual time.
type pipes struct {
	*testing.T
	authority *identity.Authority
	relay     string

	mu     sync.Mutex
	nodes  map[string]*pipeNode // by address
	walled map[string]bool
	open   atomic.Int64 // ends of connections
}

func newPipes(t *testing.T) *pipes {
	a, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	// Two timers that are due at once, as those of new pipes are, must not be run in parallel
	// in one bubble: the race detector of Go 1.26 crashes then.
	procs := runtime.GOMAXPROCS(1)
	t.Cleanup(func() { runtime.GOMAXPROCS(procs) })
	return &pipes{T: t, authority: a, relay: "relay:1", nodes: map[string]*pipeNode{}, walled: map[string]bool{}}
}

type pipeNode struct {
	*bufconn.Listener
	id    *identity.Identity
	room  *Room
	relay *Relay
}

// end is one end of a connection, which counts until it is closed.
type end struct {
	net.Conn
	once sync.Once
	open *atomic.Int64
}

func (p *pipes) end(c net.Conn) net.Conn { p.open.Add(1); return &end{Conn: c, open: &p.open} }

func (e *end) Close() error {
	e.once.Do(func() { e.open.Add(-1) })
	return e.Conn.Close()
}

func (p *pipes) dial(ctx context.Context, address string) (net.Conn, error) {
	p.mu.Lock()
	n, walled := p.nodes[address], p.walled[address]
	p.mu.Unlock()
	if walled {
		<-ctx.Done()
		return nil, errWall
	}
	c, err := n.DialContext(ctx)
	if err != nil {
		return nil, err
	}
	return p.end(c), nil
}

func (p *pipes) add(address string, role jobs.Role) *pipeNode {
	p.Helper()
	key, err := identity.NewKey()
	if err != nil {
		p.Fatal(err)
	}
	cert, err := p.authority.Issue(key.Public(), role, nil)
	if err != nil {
		p.Fatal(err)
	}
	id, err := identity.New(key, cert, p.authority.Certificate())
	if err != nil {
		p.Fatal(err)
	}
	n := &pipeNode{Listener: bufconn.Listen(64 << 10), id: id, relay: NewRelay(RelayConfig{Rate: 100 << 20})}
	n.room = New(Config{Identity: id, Address: address, Dial: p.dial})
	n.room.Join(Session{
		Signal: func(_ context.Context, to jobs.NodeID, payload []byte) error {
			p.mu.Lock()
			defer p.mu.Unlock()
			for _, other := range p.nodes {
				if other.id.Node() == to {
					other.room.Signalled(Signal{From: id.Node(), FromHost: "127.0.0.1", FromDialable: []string{address}, Payload: payload})
				}
			}
			return nil
		},
		Coordinators: func() []string { return []string{p.relay} },
		Host:         func() string { return "" },
	})
	p.mu.Lock()
	p.nodes[address] = n
	p.mu.Unlock()
	return n
}

// serve answers a byte with the same, until its listener is closed.
func (p *pipes) serve(n *pipeNode) {
	creds := identity.ServerCredentials(n.id, identity.Handover{Back: n.room.Back, Relay: n.relay.Take})
	l := n.room.Listen(counting{n.Listener, p})
	defer l.Close()
	var all sync.WaitGroup
	defer all.Wait()
	for {
		raw, err := l.Accept()
		if err != nil {
			return
		}
		all.Go(func() {
			conn, _, err := creds.ServerHandshake(raw)
			if err != nil {
				return // or it is somebody else's by now
			}
			_, _ = io.Copy(conn, conn)
			conn.Close()
		})
	}
}

type counting struct {
	net.Listener
	*pipes
}

func (c counting) Accept() (net.Conn, error) {
	conn, err := c.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return c.end(conn), nil
}

// echo sends a byte to another node and has it back, and tells by which path.
func (p *pipes) echo(from, to *pipeNode, address string) Path {
	p.Helper()
	ctx, cancel := context.WithTimeout(p.Context(), 20*time.Second)
	defer cancel()
	raw, err := from.room.Dial(ctx, Target{Node: to.id.Node(), Address: address})
	if err != nil {
		p.Fatal(err)
	}
	path := PathOf(raw.RemoteAddr())
	conn, _, err := identity.PeerCredentials(from.id, identity.WantNode(to.id.Node())).ClientHandshake(ctx, "", raw)
	if err != nil {
		p.Fatal(path, err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("x")); err != nil {
		p.Fatal(path, err)
	}
	if _, err := io.ReadFull(conn, make([]byte, 1)); err != nil {
		p.Fatal(path, err)
	}
	return path
}

// stacks are those of all goroutines.
func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}

// Routers come and go, and each time another path is found: nothing is left of those
// before. PATH_CHANGES=1000 is how often; it takes some seconds.
func TestNothingLeaksOverPathChanges(t *testing.T) {
	changes := 200
	if n, err := strconv.Atoi(os.Getenv("PATH_CHANGES")); err == nil {
		changes = n
	}
	synctest.Test(t, func(t *testing.T) {
		p := newPipes(t)
		const here, there = "127.0.0.1:1001", "127.0.0.1:1002"
		relay, from, to := p.add(p.relay, jobs.Coordinator), p.add(here, jobs.Worker), p.add(there, jobs.Worker)
		var serving sync.WaitGroup
		for _, n := range []*pipeNode{relay, from, to} {
			serving.Go(func() { p.serve(n) })
		}
		seen := map[Path]int{}
		settled := func() (goroutines int, ends int64) {
			time.Sleep(10 * time.Minute) // what waits for something has had it, or not
			synctest.Wait()
			return strings.Count(stacks(), ", synctest bubble "), p.open.Load() // others end when they like
		}
		random := rand.New(rand.NewPCG(1, 2))
		change := func() {
			p.mu.Lock()
			p.walled[here], p.walled[there] = random.IntN(2) > 0, random.IntN(3) > 0
			p.mu.Unlock()
			seen[p.echo(from, to, there)]++
			time.Sleep(time.Duration(random.IntN(60)) * time.Second)
		}
		for range 20 {
			change()
		}
		before, ends := settled()
		for range changes {
			change()
		}
		if after, left := settled(); after > before || left > ends || left > 0 {
			t.Errorf("%d goroutines before and %d after, %d ends of connections are open\n%s", before, after, left, stacks())
		}
		for _, path := range []Path{Direct, Reversed, Relayed} {
			if seen[path] < changes/20 {
				t.Errorf("by path %v %d times: that is no test of it", path, seen[path])
			}
		}
		if d := from.room.Traffic(); d[Reversed].In == 0 || d[Relayed].In == 0 {
			t.Errorf("traffic %v", d)
		}
		for _, n := range []*pipeNode{from, to, relay} {
			n.Listener.Close()
			n.room.Close()
			n.relay.Close()
		}
		serving.Wait()
	})
}

// What comes because it was called is counted once, and as that.
func TestReversedBytesAreCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPipes(t)
		p.walled["127.0.0.1:1002"] = true
		from, to := p.add("127.0.0.1:1001", jobs.Worker), p.add("127.0.0.1:1002", jobs.Worker)
		p.add(p.relay, jobs.Coordinator)
		var serving sync.WaitGroup
		for _, n := range []*pipeNode{from, to} {
			serving.Go(func() { p.serve(n) })
		}
		if path := p.echo(from, to, "127.0.0.1:1002"); path != Reversed {
			t.Errorf("path %v", path)
		}
		synctest.Wait()
		if d := from.room.Traffic(); len(d) != 1 || d[Reversed].In < 1000 {
			t.Errorf("who was come to counted %v", d)
		}
		for _, n := range p.nodes {
			n.Listener.Close()
			n.room.Close()
			n.relay.Close()
		}
		serving.Wait()
	})
}
