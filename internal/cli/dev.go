package cli

import (
	"fmt"
	"io"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/lab/localgrid"
	"github.com/anthill-grid/anthill/internal/tempdir"
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
	printDev(cmd.OutOrStdout(), time.Since(began))
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

func printDev(w io.Writer, took time.Duration) {
	fmt.Fprintf(w, `A grid of 3 coordinators and 2 workers runs on this machine (ready after %.1f s).
In another terminal, try:

  anthill nodes
  anthill submit examples/wordcount/job.yaml --wait -o counts
  anthill jobs
  anthill ui        # prints the link of a page that shows it

Ctrl-C stops it.
`, took.Seconds())
}
