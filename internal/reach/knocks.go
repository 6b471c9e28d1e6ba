package reach

import (
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// maxKnocks is at how many addresses a node knocks for one that called it: at a time
	// and, of those at which it was not found, in knockedFor.
	maxKnocks  = 5
	knockedFor = time.Hour
	// maxCallers bounds the nodes whose knocks are remembered. For more of them this node
	// knocks nowhere, and they are met at relays.
	maxCallers = 4096
)

// knocker says at which doors a node knocks because another asks it to. Otherwise anybody
// could have a crowd of nodes knock at a stranger's.
type knocker struct {
	known []string       // HOST:PORTs of coordinators, and those where they have found the other
	host  string         // from which the other's session comes, as a coordinator sees it
	own   []netip.Prefix // the networks that this machine is in
	// again tells whether there may be a knock at a door behind which the other was not
	// found yet; nil: always.
	again func(address string) bool
}

// doors are those of the addresses that another node said at which to knock: those of
// coordinators, those that a coordinator has seen to be the other's, those of the host
// from which it comes, and of networks that belong to nobody this machine's own.
func (k knocker) doors(said []string) (list []string) {
	for _, address := range said[:min(len(said), maxKnocks)] {
		if slices.Contains(k.known, address) || k.may(address) && (k.again == nil || k.again(address)) {
			list = append(list, address)
		}
	}
	return list
}

// knocks remembers at which doors this node has knocked for whom in vain. The zero value
// remembers none.
type knocks struct {
	mu    sync.Mutex
	vain  map[jobs.NodeID]map[string]time.Time
	swept time.Time
}

// begin tells whether there may be one more knock for a node, and counts it.
func (k *knocks) begin(node jobs.NodeID, address string, now time.Time) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.sweep(now)
	list := k.vain[node]
	if _, known := list[address]; !known && len(list) >= maxKnocks {
		return false
	}
	if list == nil {
		if len(k.vain) >= maxCallers {
			return false
		}
		list = map[string]time.Time{}
		k.vain[node] = list
	}
	list[address] = now
	return true
}

// found notes that the node is behind a door.
func (k *knocks) found(node jobs.NodeID, address string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	delete(k.vain[node], address)
}

// sweep forgets what is too old. It is called with mu held.
func (k *knocks) sweep(now time.Time) {
	if k.vain == nil {
		k.vain, k.swept = map[jobs.NodeID]map[string]time.Time{}, now
	}
	if now.Sub(k.swept) < time.Minute {
		return
	}
	k.swept = now
	for node, list := range k.vain {
		maps.DeleteFunc(list, func(_ string, at time.Time) bool { return now.Sub(at) >= knockedFor })
		if len(list) == 0 {
			delete(k.vain, node)
		}
	}
}

func (k knocker) may(address string) bool {
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

// ownAddresses are those that this machine has.
func ownAddresses() (list []netip.Addr) {
	addrs, _ := net.InterfaceAddrs() // none is as good as an error
	for _, a := range addrs {
		if p, err := netip.ParsePrefix(a.String()); err == nil {
			list = append(list, p.Addr().Unmap())
		}
	}
	return list
}
