//go:build darwin || dragonfly || freebsd || netbsd || openbsd

package portmap

import (
	"net/netip"
	"syscall"

	"golang.org/x/net/route"
)

// gateway is the router to which this machine sends what is for the internet.
func gateway() (netip.Addr, error) {
	data, err := route.FetchRIB(syscall.AF_INET, route.RIBTypeRoute, 0)
	if err != nil {
		return netip.Addr{}, err
	}
	messages, err := route.ParseRIB(route.RIBTypeRoute, data)
	if err != nil {
		return netip.Addr{}, err
	}
	for _, m := range messages {
		r, ok := m.(*route.RouteMessage)
		if !ok || r.Flags&syscall.RTF_GATEWAY == 0 || len(r.Addrs) <= syscall.RTAX_NETMASK {
			continue
		}
		to, ok := r.Addrs[syscall.RTAX_DST].(*route.Inet4Addr)
		via, also := r.Addrs[syscall.RTAX_GATEWAY].(*route.Inet4Addr)
		if ok && also && to.IP == [4]byte{} {
			return netip.AddrFrom4(via.IP), nil
		}
	}
	return netip.Addr{}, ErrNoRouter
}
