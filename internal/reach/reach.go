// Package reach connects to nodes by HOST:PORT, whatever the host's name stands for: of
// several addresses one that is dead costs no more than a head start.
package reach

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"google.golang.org/grpc"
)

// headStart is how long one address is waited for before the next is tried as well, as
// RFC 8305 has it.
const headStart = 250 * time.Millisecond

// Dial connects by TCP to the first of the host's addresses that answers. The error
// tells what became of each.
func Dial(ctx context.Context, address string) (net.Conn, error) {
	return dialVia(ctx, net.DefaultResolver.LookupNetIP, address)
}

// lookup finds the addresses of a host, as net.Resolver's LookupNetIP does.
type lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)

func dialVia(ctx context.Context, find lookup, address string) (net.Conn, error) {
	addresses, err := resolve(ctx, find, address)
	if err != nil {
		return nil, err
	}
	conn, failed := First(ctx, addresses, dial, func(c net.Conn) { _ = c.Close() })
	if failed != nil {
		return nil, failures(failed)
	}
	return conn, nil
}

func dial(ctx context.Context, address string) (net.Conn, error) {
	return (&net.Dialer{}).DialContext(ctx, "tcp", address)
}

// DialTLS is Dial with a handshake. The configuration says whom to trust: by more than
// the name of a host.
func DialTLS(ctx context.Context, address string, config *tls.Config) (*tls.Conn, error) {
	raw, err := Dial(ctx, address)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	return conn, nil
}

// DialOption makes a gRPC client connect by Dial. Where the environment names a proxy,
// gRPC goes through it, and by its own ways.
func DialOption() grpc.DialOption {
	return WatchedDialOption(func(_ string, c net.Conn) net.Conn { return c })
}

// WatchedDialOption is DialOption where somebody wants to see each connection that is made,
// and to put one of his own in its place.
func WatchedDialOption(watch func(address string, c net.Conn) net.Conn) grpc.DialOption {
	if os.Getenv("HTTPS_PROXY") != "" || os.Getenv("https_proxy") != "" {
		return grpc.EmptyDialOption{}
	}
	return grpc.WithContextDialer(func(ctx context.Context, address string) (net.Conn, error) {
		c, err := Dial(ctx, address)
		if err != nil {
			return nil, err
		}
		return watch(address, c), nil
	})
}

// resolve gives HOST:PORT for each address of the host, in the order to try them.
func resolve(ctx context.Context, find lookup, address string) ([]string, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	if host == "" { // this machine
		return []string{address}, nil
	}
	ips, err := find(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	var addresses []string
	for _, ip := range alternate(ips) {
		addresses = append(addresses, net.JoinHostPort(ip.Unmap().String(), port))
	}
	return addresses, nil
}

// alternate takes turns between IPv6 and IPv4, beginning with the first address: often
// all of one kind are dead alike.
func alternate(ips []netip.Addr) []netip.Addr {
	var kinds [2][]netip.Addr
	for _, ip := range ips {
		kind := 0
		if ip.Unmap().Is4() != ips[0].Unmap().Is4() {
			kind = 1
		}
		kinds[kind] = append(kinds[kind], ip)
	}
	var list []netip.Addr
	for i := range ips {
		for _, kind := range kinds {
			if i < len(kind) {
				list = append(list, kind[i])
			}
		}
	}
	return list
}

// failures are of several addresses, on one line.
type failures []error

func (f failures) Error() string {
	var list []string
	for _, err := range f {
		list = append(list, err.Error())
	}
	return strings.Join(list, "; ")
}

func (f failures) Unwrap() []error { return f }
