package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

func newCancelCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "cancel JOB",
		Short: "Stop a job",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			grid, err := connect(cmd, askPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			job, err := grid.Cancel(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%s: %s\n", job.GetId(), stateName(job.GetState()))
			return nil
		},
	}
}
