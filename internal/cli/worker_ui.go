package cli

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/ui"
	"github.com/anthill-grid/anthill/worker/control"
)

func newWorkerUICommand() *cobra.Command {
	listen := "127.0.0.1:0"
	var dir string
	cmd := &cobra.Command{
		Use:   "ui --data DIR",
		Short: "Serve a page that shows the worker on this machine, to its donor",
		Long: `Serve a page that shows the worker on this machine: what it runs and for whom, why
it is paused, what it may use, what it has done, and how it reaches the grid; with
buttons to pause it for an hour, and to let it go on. It is served on loopback, and
only to the browser that opens the link that is printed. A link works once.`,
		Args: cobra.NoArgs,
	}
	cmd.Flags().StringVar(&dir, "data", "", "data directory of the worker (required)")
	cmd.Flags().StringVar(&listen, "listen", listen, "`HOST:PORT` on loopback; port 0: any that is free")
	_ = cmd.MarkFlagRequired("data") // the flag exists
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		if _, err := control.Ask(cmd.Context(), dir, control.Command{Do: control.DoStatus}); err != nil {
			return err
		}
		return servePage(cmd, listen, "", ui.NewWorkerHandler(donated(dir)))
	}
	return cmd
}

// donated is the worker with a data directory; it implements ui.Worker.
type donated string

func (d donated) Do(ctx context.Context, what string, until time.Time) (any, error) {
	c := control.Command{Do: what, Until: until}
	if what == control.DoPause || what == control.DoResume {
		c.Reason = control.ByUser
	}
	return control.Ask(ctx, string(d), c)
}
