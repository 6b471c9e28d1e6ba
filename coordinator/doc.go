// Package coordinator is a voter of the grid: it keeps a replica of the state,
// answers the API, copies results to its disk and, while it leads, gives work
// to workers.
//
//	rpc         gRPC services <-> commands and views
//	desk        what only the leader does: offers, reports, leases, grants
//	keeper      what every coordinator does: hold inputs, results and datasets
//	founding    how a grid begins
//	term        what happens while it leads
//	leader      what it tells the leader and asks of it
//	recruiter   the leader adds coordinators that gossip finds, and lets them vote
//	book        what the leader knows of the other coordinators
//	group       the coordinators as operators see them
//	rescued     after a recovery, or from a backup
//	voters      what the leader asks the voters: their clocks, the rules they know
//	replica     raft around jobs.State
//	placement   which worker tries which task
package coordinator
