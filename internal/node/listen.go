package node

import (
	"fmt"
	"net"

	"github.com/anthill-grid/anthill/internal/identity"
	"github.com/anthill-grid/anthill/internal/problem"
)

// Listen opens a port, and tells the address at which others reach it. If listen
// names no host, that is the one by which this machine reaches toward (HOST:PORT of
// any node of the grid) or, if there is no way there, its first address that is not
// loopback.
func Listen(listen, toward string) (net.Listener, string, error) {
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return nil, "", problem.Invalid("choose another address with --listen", "listen on %s: %w", listen, err)
	}
	host, _, err := net.SplitHostPort(listen)
	at := l.Addr().(*net.TCPAddr)
	ip := net.ParseIP(host)
	if err != nil || host == "" || ip != nil && ip.IsUnspecified() {
		host = ownHost(kinds(ip, at.IP), toward)
	}
	return l, net.JoinHostPort(host, fmt.Sprint(at.Port)), nil
}

// kind is a kind of addresses.
type kind struct {
	network string // to ask for a route
	has     func(net.IP) bool
}

var (
	anyKind = kind{"udp", func(net.IP) bool { return true }}
	ipv4    = kind{"udp4", func(ip net.IP) bool { return ip.To4() != nil }}
)

// kinds are those of the addresses to tell, the best first. Who asks for 0.0.0.0 means
// IPv4; a port that is open for all of IPv6 is so for IPv4 too, but not the other way
// round.
func kinds(asked, opened net.IP) []kind {
	switch {
	case opened.To4() != nil:
		return []kind{ipv4}
	case asked.To4() != nil:
		return []kind{ipv4, anyKind}
	}
	return []kind{anyKind}
}

// ownHost is an address of this machine.
func ownHost(kinds []kind, toward string) string {
	for _, k := range kinds {
		if host := k.route(toward); host != "" {
			return host
		}
	}
	for _, k := range kinds {
		if host := k.first(); host != "" {
			return host
		}
	}
	return "127.0.0.1"
}

// route is the address by which this machine reaches another, or "".
func (k kind) route(toward string) string {
	if toward == "" {
		return ""
	}
	c, err := net.Dial(k.network, toward) // sends nothing
	if err != nil {
		return ""
	}
	defer c.Close()
	return c.LocalAddr().(*net.UDPAddr).IP.String()
}

// first is the first address that others can reach, or "".
func (k kind) first() string {
	addrs, _ := net.InterfaceAddrs() // none is as good as an error
	for _, a := range addrs {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() && k.has(n.IP) {
			return n.IP.String()
		}
	}
	return ""
}

// Toward is an address of the grid that a token is for, or "".
func Toward(token string) string {
	t, err := identity.ParseToken(token)
	if err != nil || len(t.Addresses) == 0 {
		return ""
	}
	return t.Addresses[0]
}
