package cli

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/sdk"
)

func newServeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "serve FILE",
		Short: "Serve a file to the members of the grid from this machine",
		Long: `Serve a file to the members of the grid from this machine, and print its id on
stdout once they can find it; they fetch it with anthill get. Peers that download
it serve each other, so this machine sends little more than one copy.

Runs until it is interrupted; the grid keeps no copy.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			grid, err := connect(cmd, followPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			err = grid.ServeFile(cmd.Context(), args[0], func(id string, size int64) {
				fmt.Fprintln(cmd.OutOrStdout(), id)
				fmt.Fprintf(cmd.ErrOrStderr(), "serving %s, %s; interrupt to stop\nget it with: anthill get %s -o FILE\n", args[0], sdk.Size(size), id)
			})
			if cmd.Context().Err() != nil && errors.Is(err, context.Canceled) {
				return nil
			}
			return err
		},
	}
	portMappingFlag(cmd, new(bool))
	return cmd
}
