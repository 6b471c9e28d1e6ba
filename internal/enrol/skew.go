package enrol

import (
	"fmt"
	"time"
)

// tolerance is how far a clock may be off without a word: an answer may take some seconds.
const tolerance = 30 * time.Second

// Skew is how far a node's clock is ahead of the grid's time; negative: behind. Nodes may
// have wrong clocks, but their owners want to know.
type Skew time.Duration

// SkewOf compares what a node's clock says with the grid's time.
func SkewOf(node, grid time.Time) Skew { return Skew(node.Sub(grid)) }

// IsWrong tells a clock that should be set.
func (s Skew) IsWrong() bool { return time.Duration(s).Abs() > tolerance }

// String is such as "25 h behind the grid's".
func (s Skew) String() string {
	way := "ahead of"
	if s < 0 {
		way = "behind"
	}
	return fmt.Sprintf("%s %s the grid's", roughly(time.Duration(s).Abs()), way)
}

// Advice is for the owner of the clock.
func (s Skew) Advice() string { return fmt.Sprintf("this machine's clock is %v: set it right", s) }

// roughly writes a time in the unit that people would use.
func roughly(d time.Duration) string {
	const day, year = 24 * time.Hour, 365 * 24 * time.Hour
	unit, name := time.Second, "s"
	switch {
	case d >= 2*year:
		unit, name = year, "years"
	case d >= 3*day:
		unit, name = day, "days"
	case d >= 2*time.Hour:
		unit, name = time.Hour, "h"
	case d >= 2*time.Minute:
		unit, name = time.Minute, "min"
	}
	return fmt.Sprintf("%d %s", d.Round(unit)/unit, name)
}
