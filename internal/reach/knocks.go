package reach

import (
	"net"
	"net/netip"
	"slices"
)

// maxKnocks is at how many addresses a node knocks for one that called it.
const maxKnocks = 5

// knocks are those of the addresses that another node said which are tried: of networks
// that belong to nobody those alone that are this node's own.
func knocks(said []string, own []netip.Prefix) (list []string) {
	for _, address := range said[:min(len(said), maxKnocks)] {
		at, err := netip.ParseAddrPort(address)
		if err != nil || at.Port() == 0 {
			continue
		}
		if ip := at.Addr().Unmap(); isPublic(ip) || slices.ContainsFunc(own, func(p netip.Prefix) bool { return p.Contains(ip) }) {
			list = append(list, address)
		}
	}
	return list
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
