// Package desk is what only the leader does: it gives work to the workers that offer,
// takes their reports, renews and ends their leases, and tells peers of each other.
//
//	desk      the term: open, run, close
//	offers    workers that wait for work
//	workers   what their heartbeats say
//	reports   what is handed in: reports of workers, confirmations of coordinators
//	leases    which leases live on, and which end
//	grants    which leases are given, and which jobs nobody can bring further
//	tracker   which peers are told of each other, and how long an announcement lives
//	crowds    what peers have announced
//	stock     what workers have by their heartbeats
//	prober    whether a peer that was reported lies
package desk
