package reach

import (
	"net"
	"net/netip"
	"slices"
)

// maxKnocks is at how many addresses a node knocks for one that called it.
const maxKnocks = 5

// knocker says at which doors a node knocks because another asks it to. Otherwise anybody
// could have a crowd of nodes knock at a stranger's.
type knocker struct {
	known []string       // HOST:PORTs of coordinators, and those where they have found the other
	host  string         // from which the other's session comes, as a coordinator sees it
	own   []netip.Prefix // the networks that this machine is in
}

// doors are those of the addresses that another node said at which to knock: those of
// coordinators, those that a coordinator has seen to be the other's, those of the host from which it comes, and of networks that belong to
// nobody this machine's own.
func (k knocker) doors(said []string) (list []string) {
	for _, address := range said[:min(len(said), maxKnocks)] {
		if k.may(address) {
			list = append(list, address)
		}
	}
	return list
}

func (k knocker) may(address string) bool {
	if slices.Contains(k.known, address) {
		return true
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil || at.Port() == 0 {
		return false
	}
	ip := at.Addr().Unmap()
	if host, err := netip.ParseAddr(k.host); err == nil && host.Unmap() == ip {
		return true
	}
	return !isPublic(ip) && slices.ContainsFunc(k.own, func(p netip.Prefix) bool { return p.Contains(ip) })
}

// isPublic tells whether an address is the same for everybody.
func isPublic(ip netip.Addr) bool {
	return ip.IsGlobalUnicast() && !ip.IsPrivate() && !sharedByCarriers.Contains(ip)
}

// sharedByCarriers are the addresses between a carrier's router and those of homes,
// RFC 6598.
var sharedByCarriers = netip.MustParsePrefix("100.64.0.0/10")

// ownNetworks are those that this machine is in.
func ownNetworks() (list []netip.Prefix) {
	addrs, _ := net.InterfaceAddrs() // none is as good as an error
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p.Masked())
		}
	}
	return list
}
