package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	"github.com/anthill-grid/anthill/internal/tempdir"
	"github.com/anthill-grid/anthill/internal/ui"
	"github.com/anthill-grid/anthill/sdk"
)

func newDevCommand() *cobra.Command {
	var dir string
	var d daemon
	cmd := &cobra.Command{
		Use:   "dev",
		Short: "Run a whole grid on this machine, to try things out",
		Long: `Run a whole grid on this machine, on loopback: three coordinators and two
workers, each a process of its own. While it runs, the context "dev" is the
current one, and belongs to it alone. Without --data everything is removed at the
end.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDev(cmd, dir, &d) },
	}
	cmd.Flags().StringVar(&dir, "data", "", "keep the grid in this directory, and continue it at the next start")
	d.flags(cmd)
	return cmd
}

func runDev(cmd *cobra.Command, dir string, d *daemon) (err error) {
	ctx, cancel := d.context(cmd.Context())
	defer cancel()
	own, err := takeDevContext()
	if err != nil {
		return fmt.Errorf("dev: %w", err)
	}
	defer own.giveBack()
	if dir == "" {
		if dir, err = tempdir.Make("dev"); err != nil {
			return fmt.Errorf("dev: %w", err)
		}
		defer os.RemoveAll(dir)
	}
	exe, err := os.Executable()
	if err != nil {
		return fmt.Errorf("dev: %w", err)
	}
	began := time.Now()
	grid, err := localgrid.Start(ctx, localgrid.Config{
		Exe: exe, Dir: dir, Coordinators: 3,
		Workers: devWorkers(), Note: func(text string) { fmt.Fprintln(cmd.ErrOrStderr(), text) },
	})
	if err != nil {
		return fmt.Errorf("dev: %w", err)
	}
	defer grid.Close()
	if err := own.use(grid.Context()); err != nil {
		fmt.Fprintf(cmd.ErrOrStderr(), "no context was written: %v\nsay where the grid is by: export ANTHILL_GRID=%s\n", err, grid.Context())
	}
	page, endPage, err := serveDevPage(ctx, grid.Context())
	if err != nil {
		return fmt.Errorf("dev: %w", err)
	}
	defer endPage()
	printDev(cmd.OutOrStdout(), time.Since(began), page.Link())
	<-ctx.Done()
	fmt.Fprintln(cmd.ErrOrStderr(), "stopping")
	return nil
}

// devWorkers have two owners, since no owner's result is checked by its own
// machines, and are hardly taken for saboteurs: all of them are this user's. Priors
// of 0.01 would fall just short of the default max_error on a job of one task.
func devWorkers() []localgrid.Worker {
	return []localgrid.Worker{
		{Owner: "dev-1", Slots: 1, Prior: 0.001},
		{Owner: "dev-2", Slots: 1, Prior: 0.001},
	}
}

// serveDevPage serves the page of the grid while ctx lasts.
func serveDevPage(ctx context.Context, grid string) (page *ui.Server, end func(), err error) {
	client, err := sdk.Connect(ctx, sdk.Config{Grid: grid, Patience: followPatience})
	if err != nil {
		return nil, nil, err
	}
	page, err = ui.Listen("127.0.0.1:0", ui.NewGridHandler(client), func() {})
	if err != nil {
		return nil, nil, errors.Join(err, client.Close())
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = page.Run(ctx) // its listener is open, and ends with ctx
	}()
	return page, func() {
		_ = page.Close()
		<-ended
		_ = client.Close()
	}, nil
}

func printDev(w io.Writer, took time.Duration, link string) {
	fmt.Fprintf(w, `A grid of 3 coordinators and 2 workers runs on this machine (ready after %.1f s).
In another terminal, try:

  anthill nodes
  anthill submit examples/wordcount/job.yaml --wait -o counts
  anthill jobs

Look at it in a browser; the link works once, and anthill ui prints another:

  %s

Ctrl-C stops it.
`, took.Seconds(), link)
}
