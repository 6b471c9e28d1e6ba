package replica

import (
	"strconv"
	"time"

	"github.com/hashicorp/raft"
)

// Progress is how far this replica is.
type Progress struct {
	Leads bool // as raft sees it
	Term  uint64
	// Entries of the log: the last that is in the log of most voters, in the state here,
	// and in a snapshot here.
	Committed, Applied, Snapshot uint64
	// Contact is since when nothing was heard of the leader; 0 for the leader itself.
	Contact time.Duration
}

// Progress is looked up without waiting for anything.
func (r *Replica) Progress() Progress {
	p := Progress{
		Leads: r.raft.State() == raft.Leader, Term: r.raft.CurrentTerm(),
		Committed: r.raft.CommitIndex(), Applied: r.raft.AppliedIndex(),
	}
	p.Snapshot, _ = strconv.ParseUint(r.Stats()["last_snapshot_index"], 10, 64) // raft writes numbers
	if last := r.raft.LastContact(); !p.Leads && !last.IsZero() {
		p.Contact = time.Since(last)
	}
	return p
}

// Stats is what raft says of itself, for people.
func (r *Replica) Stats() map[string]string { return r.raft.Stats() }
