package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/sdk"
)

func newJobsRemoveCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "rm JOB...",
		Short: "Have the grid forget finished jobs and their results",
		Long: `Have the grid forget finished jobs and their results, which gives room back in your
account and on the coordinators' disks. The grid forgets them by itself after some time,
30 days if nothing else was set. A job that runs has to be cancelled first.`,
		Args: cobra.MinimumNArgs(1),
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			for _, id := range args {
				if err := grid.DeleteJob(cmd.Context(), id); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "removed %s\n", id)
			}
			return nil
		}),
	}
}
