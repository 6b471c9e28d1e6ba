package portmap

import (
	"context"
	"net/netip"
	"time"

	natpmp "github.com/jackpal/go-nat-pmp"
)

// natPMPTime is how long a question may take, with all its repetitions.
const natPMPTime = 1500 * time.Millisecond

// natPMP asks by the protocol of RFC 6886. Its library reads 16 bytes at most, and of
// the router alone.
type natPMP struct{ home }

func (p natPMP) client(ctx context.Context) *natpmp.Client {
	patience := natPMPTime
	if end, ok := ctx.Deadline(); ok {
		patience = min(patience, max(time.Until(end), time.Millisecond))
	}
	return natpmp.NewClientWithTimeout(p.router.AsSlice(), patience)
}

func (p natPMP) open(ctx context.Context) (lease, error) {
	if ctx.Err() != nil {
		return lease{}, ctx.Err()
	}
	c, port := p.client(ctx), int(p.local.Port())
	got, err := c.AddPortMapping("tcp", port, port, int(askedLife/time.Second))
	if err != nil {
		return lease{}, err
	}
	ip := netip.IPv4Unspecified()
	if at, err := c.GetExternalAddress(); err == nil { // it may not know
		ip = netip.AddrFrom4(at.ExternalIPAddress)
	}
	return lease{
		external: netip.AddrPortFrom(ip, got.MappedExternalPort),
		life:     time.Duration(got.PortMappingLifetimeInSeconds) * time.Second,
	}, nil
}

func (p natPMP) close(ctx context.Context) error {
	_, err := p.client(ctx).AddPortMapping("tcp", int(p.local.Port()), 0, 0)
	return err
}
