package replica

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/jobs"
)

const patience = 30 * time.Second

// voter is a replica behind a real port with real certificates.
type voter struct {
	*Replica
	id      *identity.Identity
	dir     string
	address string
	port    net.Listener
	drain   chan struct{}
	freezer freezer

	mu    sync.Mutex
	conns []net.Conn
}

func newIdentity(t *testing.T, ca *identity.Authority, role jobs.Role) *identity.Identity {
	t.Helper()
	key, err := identity.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	cert, err := ca.Issue(key.Public(), role, nil)
	if err != nil {
		t.Fatal(err)
	}
	id, err := identity.New(key, cert, ca.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func newVoter(t *testing.T, ca *identity.Authority) *voter {
	v := &voter{id: newIdentity(t, ca, jobs.Coordinator), dir: t.TempDir(), address: "127.0.0.1:0"}
	v.start(t)
	t.Cleanup(func() { v.stop(t) })
	return v
}

// start opens the replica from what is on disk, at the port it had before.
func (v *voter) start(t *testing.T) {
	t.Helper()
	var err error
	if v.port, err = net.Listen("tcp", v.address); err != nil {
		t.Fatal(err)
	}
	v.address = v.port.Addr().String()
	l := NewListener(Address(v.id.Node(), v.address), func(want jobs.NodeID) *tls.Config {
		return v.id.ClientTLS(identity.WantNode(want), identity.ProtoRaft)
	})
	go v.serve(v.port, l)
	logger := slog.New(slog.DiscardHandler)
	v.Replica, err = Open(Config{
		Node: v.id.Node(), Address: v.address, Dir: filepath.Join(v.dir, "raft"), Transport: NewTransport(l, logger), Logger: logger,
		hold: v.freezer.wait,
	})
	if err != nil {
		t.Fatal(err)
	}
	v.drain = make(chan struct{})
	go func(ch <-chan bool, done <-chan struct{}) {
		for {
			select {
			case <-ch:
			case <-done:
				return
			}
		}
	}(v.LeaderCh(), v.drain)
}

// serve is what a gRPC server does with ServerCredentials.
func (v *voter) serve(port net.Listener, l *Listener) {
	creds := identity.ServerCredentials(v.id, identity.Handover{Raft: func(c net.Conn, _ identity.Peer) { l.Hand(c) }})
	for {
		raw, err := port.Accept()
		if err != nil {
			return
		}
		v.mu.Lock()
		v.conns = append(v.conns, raw)
		v.mu.Unlock()
		go func() { _, _, _ = creds.ServerHandshake(raw) }()
	}
}

// stop ends the replica and cuts its connections; what is on disk stays.
func (v *voter) stop(t *testing.T) {
	if v.Replica == nil {
		return
	}
	v.port.Close()
	if err := v.Close(); err != nil {
		t.Errorf("close: %v", err)
	}
	close(v.drain)
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, c := range v.conns {
		c.Close()
	}
	v.Replica, v.conns = nil, nil
}

type group []*voter

func newGroup(t *testing.T) group {
	ca, err := identity.NewAuthority()
	if err != nil {
		t.Fatal(err)
	}
	g := group{newVoter(t, ca), newVoter(t, ca), newVoter(t, ca)}
	if g[0].Bootstrapped() {
		t.Fatal("bootstrapped before it was")
	}
	if err := g[0].Bootstrap(); err != nil {
		t.Fatal(err)
	}
	g.leader(t)
	for _, v := range g[1:] {
		if err := g[0].AddVoter(v.id.Node(), v.address); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// leader waits until one of the running voters leads.
func (g group) leader(t *testing.T) *voter {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		for _, v := range g {
			if v.Replica == nil {
				continue
			}
			if _, err := v.ReadIndex(); err == nil {
				return v
			}
		}
	}
	t.Fatal("no leader")
	return nil
}

func (v *voter) propose(t *testing.T, c jobs.Command) jobs.Outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	c.At = jobs.TimeOf(time.Now())
	out, err := v.Propose(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (v *voter) hash(t *testing.T) (h [32]byte) {
	t.Helper()
	v.View(func(s *jobs.State) {
		var err error
		if h, err = Hash(s); err != nil {
			t.Error(err)
		}
	})
	return h
}

// mustAgree waits until all running voters have applied what the leader has,
// and compares their states. It returns the hash that they share.
func (g group) mustAgree(t *testing.T) [32]byte {
	t.Helper()
	leader := g.leader(t)
	index, err := leader.ReadIndex()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for i, v := range g {
		if v.Replica == nil {
			continue
		}
		if err := v.WaitApplied(ctx, index); err != nil {
			t.Fatalf("voter %d: %v", i, err)
		}
		if v.hash(t) != leader.hash(t) {
			t.Errorf("voter %d has another state than the leader", i)
		}
	}
	return leader.hash(t)
}

func (g group) others(v *voter) group {
	var list group
	for _, o := range g {
		if o != v {
			list = append(list, o)
		}
	}
	return list
}

func token(id string) jobs.Command {
	return jobs.Command{Request: jobs.RequestID(id), CreateToken: &jobs.CreateToken{
		Token: jobs.TokenID(id), Role: jobs.Worker, Uses: 1, Expires: 1 << 50,
	}}
}

func (g group) mustHave(t *testing.T, ids ...string) {
	t.Helper()
	for i, v := range g {
		if v.Replica == nil {
			continue
		}
		v.View(func(s *jobs.State) {
			for _, id := range ids {
				if s.Tokens[jobs.TokenID(id)] == nil {
					t.Errorf("voter %d has lost %s", i, id)
				}
			}
		})
	}
}

func TestGroupSurvives(t *testing.T) {
	g := newGroup(t)
	first := g.leader(t)
	first.propose(t, jobs.Command{Found: &jobs.FoundGrid{Grid: "g", Coordinator: first.id.Node(), Operator: "op"}})
	first.propose(t, token("before"))
	g.mustAgree(t)

	follower := g.others(first)[0]
	if _, err := follower.Propose(t.Context(), token("nowhere")); !errors.Is(err, ErrNotLeader) {
		t.Errorf("a follower proposes: %v", err)
	}
	if _, err := follower.ReadIndex(); !errors.Is(err, ErrNotLeader) {
		t.Errorf("a follower reads: %v", err)
	}
	if id, address, ok := follower.Leader(); !ok || id != first.id.Node() || address != first.address {
		t.Errorf("a follower thinks %s at %s leads", id, address)
	}
	if n := len(follower.Voters()); n != 3 {
		t.Errorf("%d voters", n)
	}

	t.Log("the leader is lost")
	first.stop(t)
	second := g.leader(t)
	if second == first {
		t.Fatal("the lost one leads")
	}
	g.mustHave(t, "before")
	second.propose(t, token("without the first"))
	second.propose(t, token("before")) // repeated by a client that saw no answer

	t.Log("it comes back from disk")
	first.start(t)
	if !first.Bootstrapped() {
		t.Error("the disk is empty")
	}
	g.mustAgree(t)
	g.mustHave(t, "before", "without the first")

	t.Log("one restarts from a snapshot, and all restart")
	if err := follower.Snapshot(); err != nil {
		t.Fatal(err)
	}
	g.leader(t).propose(t, token("after the snapshot"))
	before := g.mustAgree(t)
	for _, v := range g {
		v.stop(t)
	}
	for _, v := range g {
		v.start(t)
	}
	if after := g.mustAgree(t); after != before {
		t.Error("the state changed by a restart")
	}
	g.mustHave(t, "before", "without the first", "after the snapshot")
	g.leader(t).propose(t, token("going on"))
	g.mustAgree(t)
}

func TestLeadershipIsHandedOver(t *testing.T) {
	g := newGroup(t)
	first := g.leader(t)
	first.propose(t, token("a"))
	g.mustAgree(t) // the others are up to date
	if err := first.TransferLeadership(); err != nil {
		t.Fatal(err)
	}
	if second := g.others(first).leader(t); second == first {
		t.Error("nobody took over")
	}
	g.mustHave(t, "a")
}

func TestProposeBounds(t *testing.T) {
	g := newGroup(t)
	leader := g.leader(t)
	huge := jobs.Command{Cancel: &jobs.CancelJob{Job: jobs.JobID(make([]byte, MaxCommand))}}
	if _, err := leader.Propose(t.Context(), huge); err == nil || errors.Is(err, ErrNotLeader) {
		t.Errorf("a huge command: %v", err)
	}
	for _, v := range g.others(leader) {
		v.stop(t)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := leader.Propose(ctx, token("x")); !errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, ErrUnknown) && !errors.Is(err, ErrNotLeader) {
		t.Errorf("without a majority: %v", err)
	}
	if err := leader.WaitApplied(ctx, 1<<40); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("waiting for what never comes: %v", err)
	}
}
