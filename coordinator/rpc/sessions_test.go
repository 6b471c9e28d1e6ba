package rpc

import (
	"context"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"github.com/anthill-grid/anthill/internal/session"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// attend keeps a node's session, with one of these coordinators.
func (g *grid) attend(cfg session.Config, coordinators ...string) *session.Session {
	g.Helper()
	cfg.Coordinators = coordinators
	s := session.New(cfg)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx)
	}()
	g.Cleanup(func() {
		cancel()
		<-ended
	})
	return s
}

func until(t *testing.T, what string, true func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !true(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not in time", what)
		}
	}
}

// TestBeats: what a worker says in its session reaches the leader, wherever it has it.
func TestBeats(t *testing.T) {
	t.Parallel()
	g := start(t)
	for name, address := range map[string]string{"the leader": g.leader, "another": g.follower} {
		worker := g.admit(jobs.Worker, "w-"+jobs.OwnerID(name[:3]))
		var void atomic.Uint64
		s := g.attend(session.Config{
			Identity: worker,
			Beat: func() *anthillv1.HeartbeatRequest {
				return &anthillv1.HeartbeatRequest{Leases: []uint64{7, 42}, Fuel: []uint64{0, 5}, Address: "198.51.100.1:7000", Slots: 3}
			},
			Answered: func(resp *anthillv1.HeartbeatResponse, err error) {
				if err == nil && len(resp.GetVoidLeases()) == 1 {
					void.Store(resp.GetVoidLeases()[0])
				}
			},
		}, address)
		if err := s.Beat(ctx(t)); err != nil {
			t.Fatalf("with %s: %v", name, err)
		}
		g.desk.mu.Lock()
		beat := g.desk.beats[worker.Node()]
		g.desk.mu.Unlock()
		if beat.Slots != 3 || !slices.Equal(beat.Leases, []jobs.LeaseID{7, 42}) || beat.Fuel[42] != 5 {
			t.Errorf("with %s: the leader heard %+v", name, beat)
		}
		if beat.Address != "127.0.0.1:7000" {
			t.Errorf("with %s: it is believed to be at %s", name, beat.Address)
		}
		until(t, "the answer", func() bool { return void.Load() == 42 })
	}
}

// TestSignals: between nodes whose sessions are with different coordinators, and who
// sent them is not what somebody says.
func TestSignals(t *testing.T) {
	t.Parallel()
	g := start(t)
	worker, submitter := g.admit(jobs.Worker, "w"), g.admit(jobs.Submitter, "s")
	a := g.attend(session.Config{Identity: worker}, g.follower)
	b := g.attend(session.Config{Identity: submitter}, g.leader)
	got := make(chan string, 100)
	b.OnSignal(func(m session.Signal) { got <- string(m.From) + " " + string(m.Payload) + " from " + m.FromHost })
	until(t, "both sessions", func() bool { return a.Home() != "" && b.Home() != "" })
	if err := a.Signal(ctx(t), submitter.Node(), []byte("dial me")); err != nil {
		t.Fatal(err)
	}
	if m := <-got; m != string(worker.Node())+" dial me from 127.0.0.1" {
		t.Errorf("got %q", m)
	}
	expect(t, "to nobody", a.Signal(ctx(t), g.admit(jobs.Worker, "x").Node(), nil), codes.NotFound, "NOT_ATTENDING")
	err := a.Signal(ctx(t), submitter.Node(), make([]byte, maxSignal+1))
	expect(t, "too long", err, codes.InvalidArgument, "INVALID_FIELD")
	stranger := anthillv1.NewSessionServiceClient(g.dial(g.admit(jobs.Worker, "y"), g.leader))
	_, err = stranger.Signal(ctx(t), &anthillv1.SignalRequest{To: string(submitter.Node())})
	expect(t, "without a session", err, codes.FailedPrecondition, "NO_SESSION")
	for range 4 * signalBurst {
		if err = a.Signal(ctx(t), submitter.Node(), nil); err != nil {
			break
		}
	}
	expect(t, "many", err, codes.ResourceExhausted, "TOO_MANY_SIGNALS")
}

// TestSignalsOfOneThatDoesNotReadAreDropped, and the sender is told.
func TestSignalsOfOneThatDoesNotReadAreDropped(t *testing.T) {
	t.Parallel()
	x := &attendee{telling: true} // as while it is being told something
	for range maxSignals {
		if !x.signal(&anthillv1.IncomingSignal{}) {
			t.Fatal("there was room")
		}
	}
	if x.signal(&anthillv1.IncomingSignal{}) {
		t.Error("there is no end to the room")
	}
	x.answer(5, &anthillv1.HeartbeatResponse{VoidLeases: []uint64{1}})
	x.answer(6, nil)
	if m := x.next(); m.GetAnswer().GetNumber() != 6 || len(m.GetAnswer().GetHeartbeat().GetVoidLeases()) != 1 || m.GetSignal() == nil {
		t.Errorf("it is told %v", m)
	}
}

// TestOneSessionANode: the second ends the first.
func TestOneSessionANode(t *testing.T) {
	t.Parallel()
	g := start(t)
	client := anthillv1.NewSessionServiceClient(g.dial(g.admit(jobs.Worker, "w"), g.leader))
	begin := func() anthillv1.SessionService_AttendClient {
		stream, err := client.Attend(ctx(t))
		if err == nil {
			err = stream.Send(&anthillv1.AttendRequest{Number: 1, Hello: &anthillv1.Hello{}})
		}
		if err != nil {
			t.Fatal(err)
		}
		for { // until it is answered
			m, err := stream.Recv()
			if err != nil {
				t.Fatal(err)
			}
			if m.GetAnswer().GetNumber() == 1 {
				return stream
			}
		}
	}
	first := begin()
	begin()
	_, err := first.Recv()
	expect(t, "the first", err, codes.Aborted, "SESSION_REPLACED")
}

// TestNewsOfRevocations: all hear of a ban within moments, and the banned are hung up on.
func TestNewsOfRevocations(t *testing.T) {
	t.Parallel()
	g := start(t)
	liar, honest := g.admit(jobs.Worker, "liar"), g.admit(jobs.Worker, "honest")
	ended := make(chan error, 1000)
	bad := g.attend(session.Config{Identity: liar, Answered: func(_ *anthillv1.HeartbeatResponse, err error) { ended <- err }}, g.leader)
	good := g.attend(session.Config{Identity: honest}, g.follower)
	revoked := make(chan session.News, 10)
	good.OnNews(func(n session.News) { revoked <- n })
	until(t, "both sessions", func() bool { return bad.Home() != "" && good.Home() != "" })
	if n := <-revoked; len(n.RevokedNodes) != 0 || n.Addresses()[0] != g.leader {
		t.Errorf("at first: %+v", n)
	}
	for _, by := range []jobs.OwnerID{"honest2", "honest3"} {
		g.do(jobs.Command{Accuse: &jobs.AccusePeers{By: g.admit(jobs.Worker, by).Node(), Nodes: []jobs.NodeID{liar.Node()}}})
	}
	began := time.Now()
	n := <-revoked
	if !n.RevokedNodes[liar.Node()] || !n.RevokedOwners["liar"] || len(n.RevokedNodes) != 1 || !good.Revoked(liar.Node()) {
		t.Errorf("after the ban: %+v", n)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("after %v", took)
	}
	for {
		err := <-ended
		if reason, _, _ := details(err); reason == "OWNER_BANNED" {
			break
		}
	}
	if bad.Home() != "" {
		t.Error("the banned node has a session")
	}
}

// way leads to a coordinator. It can be frozen, or cut.
type way struct {
	net.Listener
	frozen sync.RWMutex
	mu     sync.Mutex
	conns  []net.Conn
}

func (g *grid) through(address string) *way {
	w := &way{Listener: g.listen()}
	g.Cleanup(w.cut)
	go func() {
		for {
			from, err := w.Accept()
			if err != nil {
				return
			}
			to, err := net.Dial("tcp", address)
			if err != nil {
				from.Close()
				continue
			}
			w.mu.Lock()
			w.conns = append(w.conns, from, to)
			w.mu.Unlock()
			go w.carry(from, to)
			go w.carry(to, from)
		}
	}()
	return w
}

func (w *way) carry(from, to net.Conn) {
	defer from.Close()
	defer to.Close()
	buf := make([]byte, 16<<10)
	for {
		n, err := from.Read(buf)
		w.frozen.RLock()
		_, failed := to.Write(buf[:n])
		w.frozen.RUnlock()
		if err != nil || failed != nil {
			return
		}
	}
}

func (w *way) cut() {
	w.Close()
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.conns {
		c.Close()
	}
}

// TestMoves: the session goes to the coordinator in reserve when the first is gone, or
// when nothing comes from it any more.
func TestMoves(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*way){"gone": (*way).cut, "silent": func(w *way) { w.frozen.Lock() }} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := start(t)
			ways := map[string]*way{}
			for _, address := range []string{g.leader, g.follower} {
				w := g.through(address)
				ways[w.Addr().String()] = w
			}
			s := g.attend(session.Config{
				Identity: g.admit(jobs.Worker, "w"), Beat: func() *anthillv1.HeartbeatRequest { return &anthillv1.HeartbeatRequest{Slots: 1} },
			}, slices.Collect(maps.Keys(ways))...)
			// What the coordinators say of themselves must not lead around these ways.
			s.OnNews(func(session.News) { s.Learn(slices.Collect(maps.Keys(ways))) })
			until(t, "a session, and a reserve", func() bool { return s.Home() != "" && s.Reserve() != "" })
			home := s.Home()
			began := time.Now()
			end(ways[home])
			until(t, "another", func() bool { return s.Home() != "" && s.Home() != home })
			if err := s.Beat(ctx(t)); err != nil {
				t.Error(err)
			}
			t.Logf("moved after %v", time.Since(began))
			if took := time.Since(began); took > 5*time.Second { // two, where the machine is not busy
				t.Errorf("moved after %v", took)
			}
			if name == "silent" {
				ways[home].frozen.Unlock()
			}
		})
	}
}
