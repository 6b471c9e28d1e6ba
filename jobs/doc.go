// Package jobs is the domain of Anthill: jobs, tasks, attempts, leases,
// verdicts and owners, and the rules between them.
//
// State.Apply(Command) is the only way in which anything changes. It is pure:
// no clock, no randomness, no I/O and no floating point, so every replica that
// applies the same commands has the same state, bit for bit. Whatever is not
// deterministic (the time, ids, who is alive) is decided by the proposer and
// travels in the command.
package jobs
