package cli

import (
	"cmp"
	"slices"

	"github.com/spf13/cobra"

	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
)

func newNodesCommand() *cobra.Command {
	output := formatTable
	cmd := &cobra.Command{
		Use:   "nodes",
		Short: "List the grid's coordinators and workers",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			grid, err := connect(cmd, askPatience)
			if err != nil {
				return err
			}
			defer grid.Close()
			nodes, err := grid.Nodes(cmd.Context())
			if err != nil {
				return err
			}
			slices.SortFunc(nodes, byRoleAndID)
			if output == formatJSON {
				return writeJSONLines(cmd.OutOrStdout(), nodes)
			}
			return writeNodes(cmd.OutOrStdout(), nodes)
		},
	}
	addFormatFlag(cmd, &output)
	return cmd
}

func byRoleAndID(a, b *anthillv1.Node) int {
	return cmp.Or(cmp.Compare(a.GetRole(), b.GetRole()), cmp.Compare(a.GetId(), b.GetId()))
}
