package replica

import (
	"crypto/sha256"
	"slices"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

const (
	// comparisonsKept is how many are, so that replicas of which one is a little behind
	// have one in common.
	comparisonsKept = 4
	// comparisonGap is the least time between two: a replica that catches up passes over
	// many, and need not look at its state at each.
	comparisonGap = time.Second
)

// Compared is the hash of a part of the state as of an entry of the log, which says which
// part: equal on all replicas.
type Compared struct {
	Index uint64
	Hash  [sha256.Size]byte
}

// comparisons are the last, the newest last.
type comparisons struct {
	list []Compared
	at   time.Time // of the newest
}

// note hashes what a command asks for. Nothing is applied meanwhile.
func (c *comparisons) note(index uint64, ask jobs.CompareStates, s *jobs.State) {
	if !c.at.IsZero() && time.Since(c.at) < comparisonGap {
		return
	}
	hash := sha256.New()
	encoder := encoding.NewEncoder(hash)
	s.Excerpt(ask, func(v any) {
		if err := encoder.Encode(v); err != nil {
			panic("replica: encode a part of the state: " + err.Error()) // snapshots could not be written either
		}
	})
	done := Compared{Index: index}
	hash.Sum(done.Hash[:0])
	c.list = append(c.list, done)
	c.list = slices.Delete(c.list, 0, max(0, len(c.list)-comparisonsKept))
	c.at = time.Now()
}

// Compared are the last comparisons of the state here, the newest last.
func (r *Replica) Compared() []Compared {
	r.fsm.mu.RLock()
	defer r.fsm.mu.RUnlock()
	return slices.Clone(r.fsm.compared.list)
}
