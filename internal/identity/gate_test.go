package identity

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// pipeTo joins a client to a server of these identities by the credentials of gRPC.
func pipeTo(t *testing.T, server, client *Identity) (atServer, atClient net.Conn, err error) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	b, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	a, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = a.Close(), b.Close() })
	served := make(chan error, 1)
	go func() {
		conn, _, err := ServerCredentials(server, Handover{}).ServerHandshake(a)
		atServer = conn
		served <- err
	}()
	atClient, _, err = PeerCredentials(client, nil).ClientHandshake(t.Context(), "", b)
	if err != nil {
		_ = b.Close()
		<-served
		return nil, nil, err
	}
	if err := <-served; err != nil {
		return nil, nil, err
	}
	return atServer, atClient, nil
}

func isClosed(conn net.Conn) bool {
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	_, err := conn.Read(make([]byte, 1))
	return err != nil
}

// TestShutOutPeers lose the connections that they have, whoever made them, and get no
// others.
func TestShutOutPeers(t *testing.T) {
	a := newAuthority(t)
	honest, liar := enrol(t, a, jobs.Worker), enrol(t, a, jobs.Worker)
	in, _, err := pipeTo(t, honest, liar)
	if err != nil {
		t.Fatal(err)
	}
	_, out, err := pipeTo(t, liar, honest)
	if err != nil {
		t.Fatal(err)
	}
	honest.ShutOut(map[jobs.NodeID]bool{liar.Node(): true})
	if !isClosed(in) || !isClosed(out) {
		t.Error("a connection stands")
	}
	if len(honest.gate.conns) != 0 {
		t.Errorf("closed connections are remembered: %v", honest.gate.conns)
	}
	if conn, _, err := pipeTo(t, honest, liar); err == nil && !isClosed(conn) {
		t.Error("it connects again")
	}
	if _, _, err := pipeTo(t, liar, honest); err == nil {
		t.Error("it is connected to again")
	}
	honest.ShutOut(nil)
	if _, _, err := pipeTo(t, honest, liar); err != nil {
		t.Errorf("when it is let in again: %v", err)
	}
}

// TestCoordinatorsHearThoseWhoAreShutOut to tell them why, over gRPC alone.
func TestCoordinatorsHearThoseWhoAreShutOut(t *testing.T) {
	a := newAuthority(t)
	coordinator, liar := enrol(t, a, jobs.Coordinator), enrol(t, a, jobs.Coordinator)
	coordinator.ShutOut(map[jobs.NodeID]bool{liar.Node(): true})
	for proto, want := range map[string]bool{ProtoGRPC: true, ProtoRaft: false, ProtoGossip: false, ProtoRelay: false} {
		err := coordinator.admits(liar.Peer(), tls.ConnectionState{NegotiatedProtocol: proto}, true)
		if (err == nil) != want {
			t.Errorf("by %s: %v", proto, err)
		}
	}
	if coordinator.admits(liar.Peer(), tls.ConnectionState{NegotiatedProtocol: ProtoGRPC}, false) == nil {
		t.Error("it is called")
	}
}
