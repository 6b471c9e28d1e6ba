package replica

import (
	"testing"

	"github.com/anthill-grid/anthill/jobs"
)

func TestClockGoesOnFromTheState(t *testing.T) {
	var c clock
	for _, step := range []struct{ wall, reached, want int64 }{
		{1000, 0, 1000},
		{1100, 900, 1100},
		{1200, 5000, 5000}, // the last leader's clock was ahead
		{1300, 5000, 5100}, // and time goes on from there
		{1400, 5150, 5200},
	} {
		if got := c.now(jobs.Time(step.wall), jobs.Time(step.reached)); got != jobs.Time(step.want) {
			t.Errorf("at %d, with the state at %d: %d, want %d", step.wall, step.reached, got, step.want)
		}
	}
}
