package placement

import (
	"net/netip"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// cohort is how close in time two must have joined to be thought to know each
// other.
const cohort = time.Hour

// likeness weighs what two workers have in common that makes them less fit to
// check each other. Where all are alike, it changes nothing.
func (p *planner) likeness(a, b jobs.NodeID) int64 {
	m, n := p.State.Nodes[a], p.State.Nodes[b]
	like := int64(1)
	if network(m.Address) == network(n.Address) {
		like *= 4
	}
	if apart := m.Admitted.Std().Sub(n.Admitted.Std()).Abs(); apart < cohort {
		like *= 2
	}
	return like
}

// network is the /24 or /48 that an address is in; of a host name, the name.
func network(address string) string {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return address
	}
	bits := 48
	if at.Addr().Unmap().Is4() {
		bits = 24
	}
	prefix, err := at.Addr().Unmap().Prefix(bits)
	if err != nil {
		return address
	}
	return prefix.String()
}
