package coordinator

import (
	"time"

	"github.com/anthill-grid/anthill/coordinator/replica"
	"github.com/anthill-grid/anthill/internal/enrol"
	"github.com/anthill-grid/anthill/jobs"
)

// giveWayEvery is how often a leader whose clock is wrong tries to have another lead.
const giveWayEvery = 10 * time.Second

// giving is when a leader has tried to give way.
type giving struct{ tried time.Time }

// giveWay has another voter lead if this machine's clock is far from the time that the
// voters agree on. The grid's time does not follow that clock; but what is certified,
// logged and shown by it is wrong.
func (c *Coordinator) giveWay(g *giving, now time.Time) {
	off := c.replica.ClockAhead()
	if off.Abs() <= replica.ClockTolerance || now.Sub(g.tried) < giveWayEvery {
		return
	}
	to, ok := c.rightClock()
	if !ok {
		return
	}
	g.tried = now
	c.cfg.Logger.Warn("this coordinator gives way: "+enrol.Skew(off).Advice(), "leads", to.Short())
	if err := c.replica.TransferTo(to); err != nil {
		c.cfg.Logger.Warn("failed to give way", "to", to.Short(), "error", err)
	}
}

// rightClock is another voter that could lead, and whose clock is right.
func (c *Coordinator) rightClock() (jobs.NodeID, bool) {
	for _, s := range c.servers() {
		h, _ := c.book.of(s.Node)
		if s.Votes && !s.Leads && !s.Removed && s.Steady > 0 && h.off.Abs() <= replica.ClockTolerance {
			return s.Node, true
		}
	}
	return "", false
}
