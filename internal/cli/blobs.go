package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newBlobsCommand() *cobra.Command {
	output, which, limit := formatTable, &anthillv1.ListBlobsRequest{}, 0
	cmd := &cobra.Command{
		Use:   "blobs",
		Short: "List the files and directories that the grid keeps for you",
		Long: `List the files and directories that the grid keeps for you (for operators: for
anybody), the latest first.`,
		Args: noSuchCommand,
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			return writeFirst(cmd, output, grid.EachBlob(cmd.Context(), which), limit, writeBlobs)
		}),
	}
	cmd.Flags().StringVar(&which.Owner, "owner", "", "only those that are kept for this owner")
	cmd.Flags().StringVar(&which.Name, "name", "", "only those that have this in their names")
	addLimitFlag(cmd, &limit)
	addFormatFlag(cmd, &output)
	cmd.AddCommand(newDropCommand())
	return cmd
}

func newDropCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "drop BLOB...",
		Short: "Let the grid forget files and directories",
		Long: `Let the grid forget files and directories that it keeps for you. What other owners
have put as well is kept for them; what running jobs read is kept until they are
finished.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			grid, err := connect(cmd, askPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			for _, id := range args {
				if err := grid.Drop(cmd.Context(), id); err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "dropped %s\n", id)
			}
			return nil
		},
	}
}

func writeBlobs(w io.Writer, list []*anthillv1.Blob) error {
	var rows []table.Row
	for _, b := range list {
		var names, claimers, shared []string
		for _, c := range b.GetClaims() {
			names, claimers = append(names, c.GetName()), append(claimers, c.GetOwner())
			shared = append(shared, c.GetSharedWith()...)
		}
		rows = append(rows, table.Row{
			b.GetId(), strings.Join(names, ", "), sdk.Size(b.GetRef().GetSize()),
			fmt.Sprintf("%d of %d, %s", b.GetCopies(), b.GetCopiesNeeded(), owners(b.GetCopyOwners())),
			strings.Join(claimers, ", "), len(b.GetJobs()), stampOfPut(b), strings.Join(shared, ", "),
		})
	}
	return writeTable(w, table.Row{"blob", "name", "size", "copies", "kept for", "jobs", "put", "shared with"}, rows)
}

// stampOfPut is when a blob was put; others have put what is only shared.
func stampOfPut(b *anthillv1.Blob) string {
	if len(b.GetClaims()) == 0 {
		return ""
	}
	return stamp(b.GetClaims()[0].GetAt())
}
