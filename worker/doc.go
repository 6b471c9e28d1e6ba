// Package worker is a donor's machine in the grid: it offers free slots, holds
// leases, runs attempts in sandboxes, reports, and serves the pieces it has to
// its peers.
//
//	offer loop   asks for leases while there is room in the queue
//	prepare      fetches what an attempt needs, several attempts at once
//	slots        run prepared attempts, one at a time each
//	report loop  hands in what has ended, many in one call
//	heartbeat    keeps the leases, learns which are void
//	control      pauses all that on the donor's word, lets it go on, and tells
//	             him what runs; see package control
//	yielder      pauses it while the donor needs the machine; see package limits
package worker
