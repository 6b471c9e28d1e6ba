package placement

import (
	"cmp"
	"time"

	"github.com/anthill-grid/anthill/jobs"
)

// Leases are shared out among the owners of jobs, and what an owner gets among its jobs.
// Whoever holds the fewest leases for its weight comes first: so new owners have their
// turn at once, and long tasks get no more of the workers than short ones. Of those who
// hold equally few it is the one that is owed the most: each lease costs its owner the
// time that it takes, of which all who want leases are credited their parts. This is
// deficit round robin, and what matters where there are fewer workers than owners.

// Shares remembers what owners of jobs are owed. It may be forgotten at any time.
type Shares struct{ owed map[jobs.OwnerID]int64 }

// NewShares owes nothing.
func NewShares() *Shares { return &Shares{owed: map[jobs.OwnerID]int64{}} }

const (
	// leastCost and mostCost bound what a lease costs, in milliseconds, and guessedCost is
	// that of a job of which no attempt has ended yet.
	leastCost   = 100
	guessedCost = 1000
	mostCost    = int64(10 * time.Minute / time.Millisecond)
)

// share is an owner that wants leases.
type share struct {
	owner  jobs.OwnerID
	weight int64
	held   int64 // leases
	owed   int64 // in milliseconds
}

// shareOf is that of an owner.
func (p *planner) shareOf(owner jobs.OwnerID) *share {
	if s := p.shares[owner]; s != nil {
		return s
	}
	s := &share{owner: owner, weight: p.State.Term(owner, jobs.ItemWeight)}
	if p.Shares != nil {
		s.owed = p.Shares.owed[owner]
	}
	p.shares[owner] = s
	p.weights += s.weight
	return s
}

// before is the order in which jobs get leases.
func before(a, b *jobPlan) int {
	if a.share == b.share {
		return cmp.Compare(a.running, b.running)
	}
	x, y := a.share, b.share
	return cmp.Or(cmp.Compare(x.held*y.weight, y.held*x.weight), cmp.Compare(y.owed, x.owed), cmp.Compare(x.owner, y.owner))
}

// pay has an owner pay for a lease to all who want some.
func (p *planner) pay(jp *jobPlan) {
	cost := max(leastCost, min(jp.job.Pace.Milliseconds(), mostCost))
	if jp.job.Pace == 0 {
		cost = guessedCost
	}
	for _, s := range p.shares {
		s.owed = min(s.owed+cost*s.weight/p.weights, mostCost)
	}
	jp.share.owed = max(jp.share.owed-cost, -mostCost)
	jp.share.held++
}

// remember keeps what is owed to those who want leases; of the others nothing is kept, as
// they want nothing.
func (p *planner) remember() {
	if p.Shares == nil {
		return
	}
	clear(p.Shares.owed)
	for owner, s := range p.shares {
		p.Shares.owed[owner] = s.owed
	}
}
