package keeper

import (
	"math"
	"time"

	"github.com/anthill-grid/anthill/internal/flowrate"
)

const (
	// leastPatience is how long a result may take to come, however soon it is computed
	// again.
	leastPatience = 10 * time.Second
	// missingAfter is how long nothing of a result may come where only those could compute
	// it again that have it already, or by older rules.
	missingAfter = 5 * time.Minute
	// dearness is how many times as long as computing it again a result may take to come.
	dearness = 3
	// usualRate is in bytes a second what a line is taken for of which nothing is known.
	usualRate = 1 << 20
)

// outlook is what is known of when a result that no coordinator holds will be here, and of
// when it would be if it were computed again.
type outlook struct {
	age   time.Duration // since it was first lacked
	quiet time.Duration // since then, or since its origin last gave a whole piece
	size  int64
	left  int64         // bytes still to come, those before it from the same origin included
	rate  float64       // in bytes a second, at which they come
	pace  time.Duration // that an attempt takes
	// elsewhere is the rate at which it would come from somebody else.
	elsewhere float64
	// unfetched is how many results of its task were taken back already.
	unfetched int
	alone     bool          // nobody is there but those who have it
	ours      bool          // it is this coordinator's line that is busy
	old       bool          // the state has rules by which a slow result is a fault
	least     time.Duration // is leastPatience but in tests
}

// overdue says whether a result should be computed again: what still comes if the rest of
// it takes longer than that, what does not come if it has been lacking for longer. Nothing
// is said of what was lacked just now, nor because of a line of our own that is full.
func (o outlook) overdue() bool {
	switch {
	case o.ours || o.age < o.least:
		return false
	case o.alone || o.old:
		return o.rate == 0 && o.quiet >= missingAfter
	case o.rate == 0:
		return o.quiet >= o.patience()
	}
	return flowrate.Time(o.left, o.rate) > o.patience()
}

// patience is how long a result may take: a few times as long as to compute it once more
// and to fetch that from somebody else, and twice as long each time that this came to
// nothing: where all lines are slow, what is behind them comes at last.
func (o outlook) patience() time.Duration {
	again := o.pace + flowrate.Time(o.size, o.elsewhere)
	patience := max(o.least, dearness*again)
	for range o.unfetched {
		patience = min(2*patience, math.MaxInt64/4)
	}
	return patience
}
