package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/sdk"
)

func newDatasetCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "dataset",
		Short: "Let others use what the grid keeps for you",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(
		newShareCommand("share", "Let another owner, or everybody, read a dataset", false),
		newShareCommand("unshare", "Share a dataset no more", true))
	return cmd
}

func newShareCommand(name, short string, stop bool) *cobra.Command {
	var with string
	cmd := &cobra.Command{
		Use:   name + " BLOB --with OWNER",
		Short: short,
		Long: short + `: to get it, and to name it in jobs. BLOB is an
id as 'anthill blobs' lists it. It is shared for as long as the grid keeps it for
you; jobs that name it already go on in any case.`,
		Args: cobra.ExactArgs(1),
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			if err := grid.Share(cmd.Context(), args[0], with, stop); err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "%sd %s with %s\n", name, args[0], with)
			return nil
		}),
	}
	cmd.Flags().StringVar(&with, "with", "", "the `owner`, or everybody (required)")
	_ = cmd.MarkFlagRequired("with") // it exists
	return cmd
}
