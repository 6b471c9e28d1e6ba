package swarm

import (
	"net"
	"testing"

	"google.golang.org/grpc/peer"
)

func TestCallerHost(t *testing.T) {
	for _, c := range []struct {
		from net.Addr
		want string
	}{
		{&net.TCPAddr{IP: net.IPv4(10, 0, 0, 7), Port: 4000}, "10.0.0.7"},
		{&net.TCPAddr{IP: net.ParseIP("fd00::7"), Port: 4000}, "fd00::7"},
		{&net.UnixAddr{Name: "socket", Net: "unix"}, ""},
	} {
		if got := CallerHost(peer.NewContext(t.Context(), &peer.Peer{Addr: c.from})); got != c.want {
			t.Errorf("a call from %v: host %q, want %q", c.from, got, c.want)
		}
	}
	if got := CallerHost(t.Context()); got != "" {
		t.Errorf("no call at all: host %q", got)
	}
}

func TestOfAnAddressOnlyThePortIsBelieved(t *testing.T) {
	for _, c := range []struct{ host, said, want string }{
		{"10.0.0.7", "10.0.0.7:7000", "10.0.0.7:7000"},
		{"10.0.0.7", "victim.example:443", "10.0.0.7:443"},
		{"fd00::7", ":7000", "[fd00::7]:7000"},
		{"10.0.0.7", "nonsense", ""},
		{"10.0.0.7", "", ""},
		{"", "victim.example:443", ""},
	} {
		if got, ok := CallerAt(c.host, c.said); got != c.want || ok != (c.want != "") {
			t.Errorf("from %q that says %q: %q, %v; want %q", c.host, c.said, got, ok, c.want)
		}
	}
}
