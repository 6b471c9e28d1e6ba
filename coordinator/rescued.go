package coordinator

import (
	"context"
	"io"

	"github.com/anthill-grid/anthill/coordinator/rescue"
	"github.com/anthill-grid/anthill/jobs"
)

// heedRescue dismisses the coordinators that were given up when this one was recovered,
// or made from a backup.
func (c *Coordinator) heedRescue(ctx context.Context) error {
	gone, rescued, err := rescue.Word(c.cfg.Dir)
	if err != nil || !rescued {
		return err
	}
	self := c.base.Identity.Node()
	if _, err := c.replica.Propose(ctx, jobs.Command{At: c.replica.Now(), Dismiss: &jobs.DismissCoordinators{Nodes: gone, By: self}}); err != nil {
		return err
	}
	c.cfg.Logger.Info("this coordinator was rescued: the others are dismissed, and join again with a token and an empty directory", "others", len(gone))
	return rescue.Heeded(c.cfg.Dir)
}

// backUp writes an archive of the grid, with the blobs that are here or without.
func (c *Coordinator) backUp(w io.Writer, blobs bool) error {
	src := rescue.Source{State: c.replica.WriteState, Authorities: c.base.Authorities}
	if blobs {
		src.Store = c.base.Store
	}
	return rescue.Write(w, src)
}
