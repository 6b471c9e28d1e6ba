// Package desk is what only the leader does: it gives work to the workers that offer,
// takes their reports, renews and ends their leases, and tells peers of each other.
package desk
