// Package worker is a donor's machine in the grid: it offers free slots, holds
// leases, runs attempts in sandboxes, reports, and serves the pieces it has to
// its peers.
//
//	offers      ask for leases while there is room in the queue, and fetch what
//	            their attempts need, several at once; see also prefetch
//	slots       run prepared attempts, one at a time each
//	reports     hand in what has ended, many in one call; see also outbox
//	heartbeats  keep the leases, through the session, and learn which are void
//	sharing     says who gets which blob from this worker
//	status      tells the donor what runs, and takes the donor's commands; see
//	            package control
//	yielder     pauses all that while the donor needs the machine; see package limits
package worker
