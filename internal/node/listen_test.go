package node

import (
	"errors"
	"net"
	"testing"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
	"github.com/anthill-grid/anthill/jobs"
)

func TestListen(t *testing.T) {
	t.Parallel()
	for listen, host := range map[string]string{"127.0.0.1:0": "127.0.0.1", "localhost:0": "localhost", ":0": "127.0.0.1", "0.0.0.0:0": "127.0.0.1"} {
		l, address, err := Listen(listen, "127.0.0.1:9")
		if err != nil {
			t.Fatal(err)
		}
		_, port, _ := net.SplitHostPort(l.Addr().String())
		if address != net.JoinHostPort(host, port) {
			t.Errorf("listen on %s: others reach it at %s, want %s and its port", listen, address, host)
		}
		if _, _, err := Listen(address, ""); !errors.Is(err, problem.ErrInvalid) || problem.Next(err) == "" {
			t.Errorf("listen on a port that is taken: %v", err)
		}
		l.Close()
	}
	if _, _, err := Listen("nonsense", ""); !errors.Is(err, problem.ErrInvalid) {
		t.Errorf("listen on nonsense: %v", err)
	}
	if ip := net.ParseIP(ownHost([]kind{anyKind}, "")); ip == nil || ip.IsUnspecified() {
		t.Errorf("own host %v cannot be reached", ip)
	}
}

func TestToward(t *testing.T) {
	token, err := identity.NewToken([32]byte{1}, jobs.Worker, []string{"10.0.0.1:1", "10.0.0.2:1"})
	if err != nil {
		t.Fatal(err)
	}
	if got := Toward(token.String()); got != "10.0.0.1:1" {
		t.Errorf("toward %q", got)
	}
	if Toward("") != "" || Toward("mangled") != "" {
		t.Error("toward something without a token")
	}
}

// TestWhatIsTold is of the addresses of a machine that has both kinds.
func TestWhatIsTold(t *testing.T) {
	for _, c := range []struct {
		asked, opened string
		toward        string
		want          string
	}{
		{"0.0.0.0", "::", "127.0.0.1:9", "127.0.0.1"},
		{"0.0.0.0", "::", "[::1]:9", "::1"},
		{"0.0.0.0", "0.0.0.0", "[::1]:9", ""},
		{"::", "::", "[::1]:9", "::1"},
		{"", "::", "127.0.0.1:9", "127.0.0.1"},
		{"", "0.0.0.0", "[::1]:9", ""},
	} {
		if c.want == "::1" && (kind{"udp6", nil}).route(c.toward) == "" {
			continue // no IPv6 here
		}
		var asked net.IP
		if c.asked != "" {
			asked = net.ParseIP(c.asked)
		}
		got := net.ParseIP(ownHost(kinds(asked, net.ParseIP(c.opened)), c.toward))
		if c.want != "" && !got.Equal(net.ParseIP(c.want)) || c.opened == "0.0.0.0" && got.To4() == nil {
			t.Errorf("%+v: others are told %v", c, got)
		}
	}
}
