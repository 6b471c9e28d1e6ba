package session

import (
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

// coordinator answers as it is told to.
type coordinator struct {
	anthillv1.UnimplementedSessionServiceServer
	anthillv1.UnimplementedWorkServiceServer
	answer func(*anthillv1.AttendRequest, anthillv1.SessionService_AttendServer) error

	mu    sync.Mutex
	heard []*anthillv1.AttendRequest
	beats int // by the call that there was before
}

func (c *coordinator) Attend(stream anthillv1.SessionService_AttendServer) error {
	for {
		m, err := stream.Recv()
		if err != nil {
			return err
		}
		c.mu.Lock()
		c.heard = append(c.heard, m)
		c.mu.Unlock()
		if err := c.answer(m, stream); err != nil {
			return err
		}
	}
}

func (c *coordinator) Heartbeat(context.Context, *anthillv1.HeartbeatRequest) (*anthillv1.HeartbeatResponse, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beats++
	return &anthillv1.HeartbeatResponse{VoidLeases: []uint64{9}}, nil
}

func (c *coordinator) count() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return len(c.heard)
}

// answered answers each message as the leader would.
func answered(m *anthillv1.AttendRequest, stream anthillv1.SessionService_AttendServer) error {
	return stream.Send(&anthillv1.AttendResponse{Answer: &anthillv1.Answer{Number: m.GetNumber(), Heartbeat: &anthillv1.HeartbeatResponse{}}})
}

type grid struct {
	testing.TB
	authority *identity.Authority
}

func newGrid(t *testing.T) *grid {
	t.Helper()
	a, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	return &grid{t, a}
}

func (g *grid) issue(role jobs.Role) *identity.Identity {
	g.Helper()
	key, err := identity.NewKey()
	if err != nil {
		g.Fatal(err)
	}
	der, err := g.authority.Issue(key.Public(), role, nil)
	if err != nil {
		g.Fatal(err)
	}
	id, err := identity.New(key, der, g.authority.Certificate())
	if err != nil {
		g.Fatal(err)
	}
	return id
}

// serve runs a coordinator; one without an answer knows no sessions.
func (g *grid) serve(c *coordinator) string {
	g.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		g.Fatal(err)
	}
	server := grpc.NewServer(grpc.Creds(identity.ServerCredentials(g.issue(jobs.Coordinator), identity.Handover{})))
	if c.answer != nil {
		anthillv1.RegisterSessionServiceServer(server, c)
	}
	anthillv1.RegisterWorkServiceServer(server, c)
	go func() { _ = server.Serve(l) }()
	g.Cleanup(server.Stop)
	return l.Addr().String()
}

func (g *grid) attend(cfg Config) *Session {
	cfg.Identity = g.issue(jobs.Worker)
	s := New(cfg)
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

func ctx(t *testing.T) context.Context {
	c, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return c
}

// TestBlobsAreSaidOnce: what does not change is not said each time.
func TestBlobsAreSaidOnce(t *testing.T) {
	t.Parallel()
	g, c := newGrid(t), &coordinator{answer: answered}
	blobs := [][]byte{{1}}
	s := g.attend(Config{Coordinators: []string{g.serve(c)}, Address: "h:1", Every: func() time.Duration { return time.Hour }, Beat: func() *anthillv1.HeartbeatRequest {
		return &anthillv1.HeartbeatRequest{Blobs: slices.Clone(blobs), Slots: 2}
	}})
	for i := range 3 {
		if err := s.Beat(ctx(t)); err != nil {
			t.Fatal(err)
		}
		if i == 1 {
			blobs = [][]byte{{1}, {2}}
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if first := c.heard[0]; first.GetHello().GetAddress() != "h:1" || first.GetSameBlobs() || len(first.GetBeat().GetBlobs()) != 1 {
		t.Errorf("it began with %v", first)
	}
	for i, m := range c.heard[1:] {
		last := i == len(c.heard)-2
		if m.GetHello() != nil || m.GetBeat().GetSlots() != 2 || m.GetSameBlobs() == last || last && len(m.GetBeat().GetBlobs()) != 2 {
			t.Errorf("then it said %v", m)
		}
	}
}

// TestWithoutALeader the session stays, and the node is told.
func TestWithoutALeader(t *testing.T) {
	t.Parallel()
	g := newGrid(t)
	c := &coordinator{answer: func(m *anthillv1.AttendRequest, stream anthillv1.SessionService_AttendServer) error {
		if m.GetNumber() < 3 {
			return stream.Send(&anthillv1.AttendResponse{Answer: &anthillv1.Answer{Number: m.GetNumber()}})
		}
		return answered(m, stream)
	}}
	said := make(chan error, 1000)
	s := g.attend(Config{
		Coordinators: []string{g.serve(c)}, Every: func() time.Duration { return 10 * time.Millisecond },
		Beat: func() *anthillv1.HeartbeatRequest { return &anthillv1.HeartbeatRequest{} }, Answered: func(_ *anthillv1.HeartbeatResponse, err error) { said <- err },
	})
	if err := s.Beat(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if c.count() < 3 {
		t.Error("a leader has heard of it before there was one")
	}
	if err := <-said; !errors.Is(err, errLeaderless) {
		t.Errorf("first it is told %v", err)
	}
}

// TestCoordinatorsOfTheReleaseBefore are told by the call that they know.
func TestCoordinatorsOfTheReleaseBefore(t *testing.T) {
	t.Parallel()
	g, c := newGrid(t), &coordinator{}
	void := make(chan []uint64, 1000)
	s := g.attend(Config{
		Coordinators: []string{g.serve(c)}, Every: func() time.Duration { return 10 * time.Millisecond },
		Beat: func() *anthillv1.HeartbeatRequest { return &anthillv1.HeartbeatRequest{} },
		Answered: func(resp *anthillv1.HeartbeatResponse, err error) {
			if err == nil {
				void <- resp.GetVoidLeases()
			}
		},
	})
	if err := s.Beat(ctx(t)); err != nil {
		t.Fatal(err)
	}
	if list := <-void; len(list) != 1 || list[0] != 9 {
		t.Errorf("void leases %v", list)
	}
}

// TestASecondProcessDoesNotFight: where the session was taken by another with this
// node's key, it is left alone for some seconds.
func TestASecondProcessDoesNotFight(t *testing.T) {
	t.Parallel()
	g := newGrid(t)
	c := &coordinator{answer: func(*anthillv1.AttendRequest, anthillv1.SessionService_AttendServer) error {
		return status.Error(codes.Aborted, "another session")
	}}
	g.attend(Config{Coordinators: []string{g.serve(c)}})
	until(t, "a try", func() bool { return c.count() > 0 })
	time.Sleep(time.Second)
	if n := c.count(); n > 1 {
		t.Errorf("%d tries in a second", n)
	}
}

// TestRest: those who lost the same coordinator do not come back together, and one that
// goes on failing is left alone for longer.
func TestRest(t *testing.T) {
	now := time.Now()
	until := map[time.Time]bool{}
	for range 100 {
		s := New(Config{Coordinators: []string{"a", "b"}})
		for i := range 20 {
			s.rest(&link{address: "a"}, errSilent, now)
			left := s.resting["a"].until.Sub(now)
			if span := min(maxRest, firstRest<<i); left < span/2 || left > span {
				t.Fatalf("after %d failures it rests for %v", i+1, left)
			}
		}
		until[s.resting["a"].until] = true
		if address, _ := s.choose("", now); address != "b" {
			t.Fatalf("chose %q", address)
		}
		if address, wait := s.choose("b", now); address != "" || wait <= 0 || wait > maxRest {
			t.Fatalf("chose %q, or to wait for %v", address, wait)
		}
	}
	if len(until) < 50 {
		t.Errorf("100 nodes come back at %d times", len(until))
	}
}

func TestPatience(t *testing.T) {
	var p patience
	now := time.Now()
	if got := p.span(now); got != leastPatience || got+time.Second >= 2*time.Second {
		t.Errorf("at first %v", got)
	}
	for range 20 {
		p.grow(now)
	}
	if got := p.span(now); got != maxPatience {
		t.Errorf("where all are slow %v", got)
	}
	if got := p.span(now.Add(calm + 1)); got != leastPatience {
		t.Errorf("after a calm %v", got)
	}
}

func TestNews(t *testing.T) {
	s := New(Config{Coordinators: []string{"a"}})
	var got []News
	s.OnNews(func(n News) { got = append(got, n) })
	s.learn(&anthillv1.News{
		Coordinators: []*anthillv1.CoordinatorAddress{{NodeId: "c1", Address: "x:1"}}, Revision: 7,
		RevokedNodes: []string{"n"}, RevokedOwners: []string{"o"},
	})
	s.learn(&anthillv1.News{Coordinators: []*anthillv1.CoordinatorAddress{{NodeId: "c2", Address: "y:1"}}, Revision: 7, Same: true})
	s.OnNews(func(n News) { got = append(got, n) })
	if len(got) != 3 || !got[1].RevokedNodes["n"] || !got[2].RevokedOwners["o"] || got[2].Addresses()[0] != "y:1" || !s.Revoked("n") || s.Revoked("m") {
		t.Errorf("heard %+v", got)
	}
	if s.known[0] != "y:1" || s.revision() != 7 {
		t.Errorf("knows %v, revision %d", s.known, s.revision())
	}
}
