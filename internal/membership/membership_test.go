package membership

import (
	"context"
	"crypto/ed25519"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"math/big"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/memberlist"
	"github.com/hashicorp/serf/serf"

	"github.com/anthill-grid/anthill/jobs"
)

func nodeID(i int) jobs.NodeID { return jobs.NodeID(fmt.Sprintf("%032x", i)) }

func roleOf(i int) jobs.Role {
	if i < 3 {
		return jobs.Coordinator
	}
	return jobs.Worker
}

// port is a node's TLS port, whose connections all are for gossip. Whoever dials says
// by its certificate's name which node it is, and so does who answers.
type port struct {
	net.Listener
	*Transport
}

// open listens at an address, for node i. The node that a dialler names must answer.
func open(t *testing.T, i int, address string) port {
	t.Helper()
	cert := certify(t, string(nodeID(i)))
	l, err := tls.Listen("tcp", address, &tls.Config{Certificates: []tls.Certificate{cert}, ClientAuth: tls.RequireAnyClientCert})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	p := port{l, NewTransport(l.Addr().String(), func(ctx context.Context, address string, node jobs.NodeID) (*tls.Conn, error) {
		d := tls.Dialer{Config: &tls.Config{Certificates: []tls.Certificate{cert}, InsecureSkipVerify: true, VerifyConnection: func(s tls.ConnectionState) error {
			if name := s.PeerCertificates[0].Subject.CommonName; node != "" && name != string(node) {
				return fmt.Errorf("node %s answers in the place of node %s", name, node)
			}
			return nil
		}}}
		conn, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return nil, err
		}
		return conn.(*tls.Conn), nil
	})}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			p.Take(conn, jobs.NodeID(conn.RemoteAddr().String()))
		}
	}()
	return p
}

// certify makes a certificate that names itself.
func certify(t *testing.T, name string) tls.Certificate {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(nil, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

func sampleConfig(t *testing.T, i int) Config {
	return Config{Node: nodeID(i), Role: roleOf(i), Transport: open(t, i, "127.0.0.1:0").Transport}
}

func run(t *testing.T, cfg Config) *Membership {
	t.Helper()
	m, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.Shutdown() })
	return m
}

func join(t *testing.T, m *Membership, to *Membership) {
	t.Helper()
	if n, err := m.Join([]string{to.Address(), m.Address()}); n != 1 || err != nil {
		t.Fatalf("join: met %d members, %v: want 1", n, err)
	}
}

// grid runs n members that all know of each other.
func grid(t *testing.T, n int) []*Membership {
	t.Helper()
	var members []*Membership
	for i := range n {
		members = append(members, run(t, sampleConfig(t, i)))
		if i > 0 {
			join(t, members[i], members[0])
		}
	}
	for _, m := range members {
		eventually(t, "all are alive", func() bool { return count(m, Alive) == n })
	}
	return members
}

func count(m *Membership, status Status) int {
	n := 0
	for _, member := range m.Members() {
		if member.Status == status {
			n++
		}
	}
	return n
}

func find(m *Membership, node jobs.NodeID) Member {
	for _, member := range m.Members() {
		if member.Node == node {
			return member
		}
	}
	return Member{}
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(40 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not so after 40 s: %s", what)
		}
	}
}

func TestMembersKnowEachOther(t *testing.T) {
	t.Parallel()
	members := grid(t, 5)
	var want []Member
	for i, m := range members {
		want = append(want, Member{Node: nodeID(i), Role: roleOf(i), Address: m.Address()})
	}
	for i, m := range members {
		got := m.Members()
		for j := range got {
			got[j].Since = time.Time{}
		}
		if !slices.Equal(got, want) {
			t.Errorf("member %d sees %v, want %v", i, got, want)
		}
	}
}

func TestFailureIsNoticed(t *testing.T) {
	t.Parallel()
	members := grid(t, 4)
	dead := members[3]
	for len(members[0].Changes()) > 0 {
		<-members[0].Changes()
	}
	if err := dead.Shutdown(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-members[0].Changes():
	case <-time.After(40 * time.Second):
		t.Fatal("no change was signalled")
	}
	for _, m := range members[:3] {
		eventually(t, "node 3 has failed", func() bool { return find(m, nodeID(3)).Status == Failed })
		eventually(t, "the others are alive", func() bool { return count(m, Alive) == 3 })
	}
}

// TestFullDisksAreToldOf, and since when a member is as it is.
func TestFullDisksAreToldOf(t *testing.T) {
	t.Parallel()
	members := grid(t, 2)
	began := find(members[0], nodeID(1)).Since
	if began.IsZero() || time.Since(began) > time.Minute {
		t.Errorf("it is alive since %v", began)
	}
	for _, full := range []bool{true, false} {
		for range 2 { // the second time there is nothing to tell
			if err := members[1].SetFull(full); err != nil {
				t.Fatal(err)
			}
		}
		for _, m := range members {
			eventually(t, "all know of the disk", func() bool { return find(m, nodeID(1)).Full == full })
		}
		if m := find(members[0], nodeID(1)); m.Status != Alive || !m.Since.After(began) {
			t.Errorf("%+v, since before its disk changed", m)
		}
	}
}

func TestLeaveIsNoFailure(t *testing.T) {
	t.Parallel()
	members := grid(t, 3)
	if err := members[2].Leave(); err != nil {
		t.Fatal(err)
	}
	if err := members[2].Shutdown(); err != nil {
		t.Fatal(err)
	}
	for _, m := range members[:2] {
		eventually(t, "node 2 has left", func() bool { return find(m, nodeID(2)).Status == Left })
		if since := time.Since(find(m, nodeID(2)).Since); since > 40*time.Second {
			t.Errorf("it left %v ago", since)
		}
	}

	// It may come back, here at another port.
	again := run(t, sampleConfig(t, 2))
	join(t, again, members[0])
	for _, m := range members[:2] {
		eventually(t, "node 2 is back", func() bool {
			got := find(m, nodeID(2))
			got.Since = time.Time{}
			return got == Member{Node: nodeID(2), Role: jobs.Coordinator, Address: again.Address()}
		})
	}
}

// TestAnotherNodeAtAnAddressIsNotTheMember: packets to a member go to no other.
func TestAnotherNodeAtAnAddressIsNotTheMember(t *testing.T) {
	t.Parallel()
	member, impostor := open(t, 1, "127.0.0.1:0"), open(t, 9, "127.0.0.1:0")
	t.Cleanup(func() { member.Shutdown() })
	to := memberlist.Address{Addr: impostor.Addr().String(), Name: string(nodeID(2))}
	if _, err := member.DialAddressTimeout(to, time.Second); err == nil || !strings.Contains(err.Error(), "in the place of") {
		t.Errorf("a stream to it: %v", err)
	}
	if _, err := member.WriteToAddress([]byte("secret"), to); err != nil {
		t.Fatal(err)
	}
	select {
	case p := <-impostor.PacketCh():
		t.Errorf("it got %q", p.Buf)
	case <-time.After(300 * time.Millisecond):
	}
	impostor.Shutdown()
}

func TestSnapshotRejoins(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*Membership) error{
		"killed": (*Membership).Shutdown,
		"left": func(m *Membership) error {
			if err := m.Leave(); err != nil {
				return err
			}
			return m.Shutdown()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			members := grid(t, 2)
			port := open(t, 5, "127.0.0.1:0")
			cfg := Config{Node: nodeID(5), Role: roleOf(5), Transport: port.Transport}
			cfg.SnapshotPath = filepath.Join(t.TempDir(), "members")
			first := run(t, cfg)
			join(t, first, members[0])
			eventually(t, "node 5 knows all", func() bool { return count(first, Alive) == 3 })
			address := first.Address()
			time.Sleep(300 * time.Millisecond) // the snapshot is written behind; a leave stops it
			if err := end(first); err != nil {
				t.Fatal(err)
			}
			port.Close()
			cfg.Transport = open(t, 5, address).Transport
			second := run(t, cfg)
			eventually(t, "node 5 knows all again", func() bool { return count(second, Alive) == 3 })
			for _, m := range members {
				eventually(t, "node 5 is alive", func() bool { return find(m, cfg.Node).Status == Alive })
			}
		})
	}
}

// A crashed node that comes back at another port is taken for an impostor until
// its old address is found dead.
func TestCrashedNodeMoves(t *testing.T) {
	t.Parallel()
	startFast := func(i int) *Membership {
		conf, err := serfConfig(sampleConfig(t, i))
		if err != nil {
			t.Fatal(err)
		}
		conf.MemberlistConfig.PushPullInterval = time.Second
		m, err := start(conf)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { m.Shutdown() })
		return m
	}
	stays, moves := startFast(0), startFast(1)
	join(t, moves, stays)
	eventually(t, "both are alive", func() bool { return count(stays, Alive) == 2 })
	if err := moves.Shutdown(); err != nil {
		t.Fatal(err)
	}
	moved := startFast(1)
	join(t, moved, stays)
	eventually(t, "node 1 is known at its new address", func() bool {
		got := find(stays, nodeID(1))
		return got.Status == Alive && got.Address == moved.Address()
	})
}

func TestForeignMembersAreNotListed(t *testing.T) {
	t.Parallel()
	m := run(t, sampleConfig(t, 0))
	conf, err := serfConfig(sampleConfig(t, 1))
	if err != nil {
		t.Fatal(err)
	}
	conf.Tags = map[string]string{"role": "king"}
	foreign, err := serf.Create(conf)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { foreign.Shutdown() })
	if _, err := foreign.Join([]string{m.Address()}, true); err != nil {
		t.Fatal(err)
	}
	eventually(t, "serf sees both", func() bool { return m.serf.NumNodes() == 2 })
	if got := m.Members(); len(got) != 1 || got[0].Node != nodeID(0) {
		t.Errorf("members %v, want node 0 alone", got)
	}
}

func TestJoinNobody(t *testing.T) {
	t.Parallel()
	m := run(t, sampleConfig(t, 0))
	if _, err := m.Join([]string{m.Address()}); err == nil {
		t.Error("a node that met itself has joined")
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	gone := listener.Addr().String()
	listener.Close()
	if n, err := m.Join([]string{gone}); n != 0 || err == nil || !strings.Contains(err.Error(), "join gossip") {
		t.Errorf("join of nobody: %d, %v", n, err)
	}
}
