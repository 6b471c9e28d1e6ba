package node

import (
	"crypto/tls"
	"net"
	"testing"
	"time"

	"google.golang.org/grpc"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/lab/fakegrid"
	"github.com/anthill-grid/anthill/internal/throttle"
	"github.com/anthill-grid/anthill/jobs"
)

// Neither strangers take a worker's places, nor coordinators, who come for results.
func TestPlacesAreForPeers(t *testing.T) {
	t.Parallel()
	fake := fakegrid.Start(t, 1)
	base, err := NewBase(t.Context(), BaseConfig{
		Dir: t.TempDir(), Role: jobs.Worker, Token: fake.Token(t, jobs.Worker).String(), Listen: "127.0.0.1:0",
		Traffic: throttle.Limits{Peers: 1},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = base.Close() })
	server := grpc.NewServer(grpc.Creds(base.Credentials()))
	go func() { _ = server.Serve(base.Listener) }()
	t.Cleanup(server.Stop)
	for range 5 {
		silent, err := net.Dial("tcp", base.Address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = silent.Close() })
	}
	peer := func() *identity.Identity {
		n, err := Open(t.Context(), Config{Dir: t.TempDir(), Role: jobs.Worker, Token: fake.Token(t, jobs.Worker).String()})
		if err != nil {
			t.Fatal(err)
		}
		return n.Identity
	}
	for k, c := range []struct {
		id *identity.Identity
		in bool
	}{{fake.Coordinator(0), true}, {peer(), true}, {peer(), false}, {fake.Coordinator(0), true}} {
		if in := letIn(t, base.Address, c.id); in != c.in {
			t.Errorf("caller %d is let in: %v, want %v", k, in, c.in)
		}
	}
}

// letIn connects, and tells whether the server greets as HTTP/2 does or hangs up.
func letIn(t *testing.T, address string, id *identity.Identity) bool {
	t.Helper()
	conn, err := tls.Dial("tcp", address, id.ClientTLS(nil, identity.ProtoGRPC))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.Write([]byte("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00")); err != nil {
		return false
	}
	_ = conn.SetReadDeadline(time.Now().Add(3 * time.Second))
	_, err = conn.Read(make([]byte, 1))
	return err == nil
}
