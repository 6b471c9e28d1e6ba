package cli

import (
	"github.com/spf13/cobra"
)

func newJobsCommand() *cobra.Command {
	output := formatTable
	cmd := &cobra.Command{
		Use:   "jobs",
		Short: "List the grid's jobs, newest first",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			grid, err := connect(cmd, askPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			jobs, err := grid.Jobs(cmd.Context())
			if err != nil {
				return err
			}
			if output == formatJSON {
				return writeJSONLines(cmd.OutOrStdout(), jobs)
			}
			return writeJobs(cmd.OutOrStdout(), jobs)
		},
	}
	addFormatFlag(cmd, &output)
	cmd.AddCommand(newJobsRemoveCommand())
	return cmd
}
