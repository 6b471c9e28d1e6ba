package coordinator

import (
	"context"
	"sync"
	"time"
)

// lead runs the desk and recruits voters whenever this coordinator is elected.
func (c *Coordinator) lead(ctx context.Context) {
	var term sync.WaitGroup
	stop := func() {}
	for {
		select {
		case leader := <-c.replica.LeaderCh():
			stop()
			term.Wait()
			if leader {
				var termCtx context.Context
				termCtx, stop = context.WithCancel(ctx)
				term.Go(func() { c.rule(termCtx) })
			}
		case <-ctx.Done():
			stop()
			term.Wait()
			return
		}
	}
}

// rule is one term as the leader.
func (c *Coordinator) rule(ctx context.Context) {
	c.cfg.Logger.Info("leading", "node", c.base.Identity.Node().Short())
	defer c.cfg.Logger.Info("not leading any more", "node", c.base.Identity.Node().Short())
	defer c.desk.Close()
	c.book.begin()
	defer c.book.end()
	for {
		err := c.begin(ctx)
		if err == nil {
			break
		}
		c.cfg.Logger.Warn("failed to begin leading", "error", err)
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return
		}
	}
	c.vitals.Lead(true)
	defer c.vitals.Lead(false)
	if err := c.replica.Settle(); err != nil {
		c.cfg.Logger.Warn("failed to set election timeouts", "error", err)
	}
	var loops sync.WaitGroup
	loops.Go(func() { c.recruit(ctx) })
	loops.Go(func() { c.survey(ctx) })
	loops.Go(func() { c.sweep(ctx) })
	loops.Go(func() { c.compareStates(ctx) })
	loops.Go(func() { c.desk.Run(ctx) })
	loops.Wait()
}

// begin opens the desk on a state in which all is applied that former leaders
// committed.
func (c *Coordinator) begin(ctx context.Context) error {
	if err := c.replica.Barrier(); err != nil {
		return err
	}
	if err := c.heedFirst(ctx); err != nil {
		return err
	}
	if err := c.foundState(ctx); err != nil {
		return err
	}
	if err := c.heedRescue(ctx); err != nil {
		return err
	}
	return c.desk.Open(ctx)
}

// stepDown hands leadership over before this coordinator leaves, so that the others do
// not have to find out by its silence.
func (c *Coordinator) stepDown() {
	if c.desk.Leading() {
		if err := c.replica.TransferLeadership(); err != nil {
			c.cfg.Logger.Debug("failed to transfer leadership", "error", err)
		}
	}
	if err := c.membership.Leave(); err != nil {
		c.cfg.Logger.Debug("failed to leave gossip", "error", err)
	}
}
