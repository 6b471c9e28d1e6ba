package identity

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"

	"github.com/anthill-grid/anthill/jobs"
)

// fakeGrid is a coordinator's port: a gRPC service that notes its callers, and
// a raft that echoes.
type fakeGrid struct {
	address string
	callers chan Peer
	keys    chan jobs.NodeID
	raft    chan Peer
}

func startGrid(t *testing.T, id *Identity) *fakeGrid {
	t.Helper()
	g := &fakeGrid{callers: make(chan Peer, 8), keys: make(chan jobs.NodeID, 8), raft: make(chan Peer, 8)}
	note := func(ctx context.Context, req any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		caller, err := FromContext(ctx)
		if err != nil {
			return nil, status.Error(codes.Unauthenticated, err.Error())
		}
		public, err := PublicKeyFrom(ctx)
		if err != nil {
			return nil, status.Error(codes.Unauthenticated, err.Error())
		}
		g.callers <- caller
		g.keys <- NodeOf(public)
		return next(ctx, req)
	}
	echo := func(conn net.Conn, p Peer) {
		g.raft <- p
		go func() {
			io.Copy(conn, conn)
			conn.Close()
		}()
	}
	server := grpc.NewServer(
		grpc.Creds(ServerCredentials(id, Handover{Raft: echo})), grpc.UnaryInterceptor(note), grpc.ConnectionTimeout(time.Second))
	healthpb.RegisterHealthServer(server, health.NewServer())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.address = listener.Addr().String()
	go server.Serve(listener)
	t.Cleanup(server.Stop)
	return g
}

func check(t *testing.T, address string, creds credentials.TransportCredentials) (credentials.AuthInfo, error) {
	t.Helper()
	conn, err := grpc.NewClient(address, grpc.WithTransportCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var server peer.Peer
	_, err = healthpb.NewHealthClient(conn).Check(ctx, &healthpb.HealthCheckRequest{}, grpc.Peer(&server))
	return server.AuthInfo, err
}

func TestGRPCKnowsItsCallers(t *testing.T) {
	a := newAuthority(t)
	coordinator := enrol(t, a, jobs.Coordinator)
	g := startGrid(t, coordinator)

	worker := enrol(t, a, jobs.Worker)
	info, err := check(t, g.address, ClientCredentials(worker, WantRole(jobs.Coordinator)))
	if err != nil {
		t.Fatal(err)
	}
	if got := <-g.callers; got != worker.Peer() {
		t.Errorf("handler sees %v, want %v", got, worker.Peer())
	}
	if got := <-g.keys; got != worker.Node() {
		t.Errorf("handler sees the key of %v, want %v", got, worker.Node())
	}
	if got, err := FromAuthInfo(info); err != nil || got != coordinator.Peer() {
		t.Errorf("client sees %v, %v: want %v", got, err, coordinator.Peer())
	}

	key := newKey(t)
	config, err := EnrolTLS(key, [][32]byte{a.Fingerprint()}, ProtoGRPC)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := check(t, g.address, credentials.NewTLS(config)); err != nil {
		t.Fatal(err)
	}
	if got, want := <-g.callers, (Peer{key.Node(), jobs.Stranger}); got != want {
		t.Errorf("handler sees %v, want %v", got, want)
	}
}

func TestGRPCRefusesOthers(t *testing.T) {
	a := newAuthority(t)
	g := startGrid(t, enrol(t, a, jobs.Coordinator))
	other := enrol(t, newAuthority(t), jobs.Worker)
	noALPN := enrol(t, a, jobs.Worker).ClientTLS(nil)

	otherTLS := other.ClientTLS(nil)
	otherTLS.VerifyConnection = nil
	if _, err := check(t, g.address, credentials.NewTLS(otherTLS)); status.Code(err) != codes.Unavailable {
		t.Errorf("node of another grid: %v, want Unavailable", err)
	}
	if _, err := check(t, g.address, insecure.NewCredentials()); status.Code(err) != codes.Unavailable {
		t.Errorf("plain text: %v, want Unavailable", err)
	}
	if _, err := echoed(g.address, noALPN); err == nil {
		t.Error("a client without ALPN was served")
	}
	if len(g.callers) != 0 {
		t.Errorf("a handler was called by %v", <-g.callers)
	}
}

// echoed sends a line, waits longer than gRPC's connection timeout, and sends
// another.
func echoed(address string, config *tls.Config) (string, error) {
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(5 * time.Second))
	buf := make([]byte, 5)
	for _, line := range []string{"hello", "again"} {
		if _, err := conn.Write([]byte(line)); err != nil {
			return "", err
		}
		if _, err := io.ReadFull(conn, buf); err != nil {
			return "", err
		}
		if line == "hello" {
			time.Sleep(1200 * time.Millisecond)
		}
	}
	return string(buf), nil
}

func TestRaftIsForCoordinators(t *testing.T) {
	a := newAuthority(t)
	g := startGrid(t, enrol(t, a, jobs.Coordinator))
	voter := enrol(t, a, jobs.Coordinator)
	got, err := echoed(g.address, voter.ClientTLS(WantRole(jobs.Coordinator), ProtoRaft))
	if err != nil || got != "again" {
		t.Fatalf("coordinator speaks raft: %q, %v", got, err)
	}
	if p := <-g.raft; p != voter.Peer() {
		t.Errorf("raft sees %v, want %v", p, voter.Peer())
	}
	for _, role := range []jobs.Role{jobs.Worker, jobs.Submitter, jobs.Operator} {
		if _, err := echoed(g.address, enrol(t, a, role).ClientTLS(nil, ProtoRaft)); err == nil {
			t.Errorf("a %s spoke raft", role)
		}
	}
	stranger, err := EnrolTLS(newKey(t), [][32]byte{a.Fingerprint()}, ProtoRaft)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := echoed(g.address, stranger); err == nil {
		t.Error("a stranger spoke raft")
	}
	if len(g.raft) != 0 {
		t.Errorf("raft was handed a connection of %v", <-g.raft)
	}
}

func TestNoRaftWithoutHandler(t *testing.T) {
	a := newAuthority(t)
	worker := enrol(t, a, jobs.Worker)
	server := grpc.NewServer(grpc.Creds(ServerCredentials(worker, Handover{})))
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(listener)
	defer server.Stop()
	_, err = echoed(listener.Addr().String(), enrol(t, a, jobs.Coordinator).ClientTLS(nil, ProtoRaft))
	wantError(t, err, "no application protocol")
}

func TestFromContext(t *testing.T) {
	want := Peer{"00112233445566778899aabbccddeeff", jobs.Operator}
	if got, err := FromContext(NewContext(context.Background(), want)); err != nil || got != want {
		t.Errorf("caller %v, %v: want %v", got, err, want)
	}
	if _, err := FromContext(context.Background()); err == nil {
		t.Error("a call from nowhere has a caller")
	}
	plain := peer.NewContext(context.Background(), &peer.Peer{})
	if _, err := FromContext(plain); err == nil {
		t.Error("an unauthenticated call has a caller")
	}
	if _, err := PublicKeyFrom(NewContext(context.Background(), want)); err == nil {
		t.Error("a call within the process has a public key")
	}
}
