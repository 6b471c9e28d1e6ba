package cli

import (
	"fmt"
	"io"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"github.com/anthill-grid/anthill/internal/wire"
	"github.com/anthill-grid/anthill/jobs"
	anthillv1 "github.com/anthill-grid/anthill/proto/anthill/v1"
	"github.com/anthill-grid/anthill/sdk"
)

func newNodeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "node",
		Short: "See the nodes of all roles, and end a node's part in the grid",
		Args:  noSuchCommand,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newNodeListCommand(),
		newEndCommand(removal{
			use: "rm NODE...", short: "Remove nodes that are no more",
			long: `Remove nodes that are no more: machines that were given away, submitters who have
left. What they run is given to others. A new token of the same owner lets such a
node in again. NODE is an id or its first digits, at least 8.`,
		}),
		newEndCommand(removal{
			use: "revoke NODE...", short: "Shut out nodes whose keys may be in wrong hands", revoke: true,
			long: `Shut out nodes whose keys may be in wrong hands: within seconds nobody in the grid
serves them, or takes anything from them, and they never come back. NODE is an id
or its first digits, at least 8.`,
		}))
	return cmd
}

func newNodeListCommand() *cobra.Command {
	output, all, which, limit := formatTable, false, &anthillv1.ListMembersRequest{}, 0
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the nodes of all roles",
		Args:  cobra.NoArgs,
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			which.Present = !all
			return writeFirst(cmd, output, grid.EachMember(cmd.Context(), which), limit, writeMembers)
		}),
	}
	cmd.Flags().BoolVar(&all, "all", false, "also those that were removed or revoked")
	cmd.Flags().StringVar(&which.Owner, "owner", "", "only those of this owner")
	addLimitFlag(cmd, &limit)
	addFormatFlag(cmd, &output)
	return cmd
}

func writeMembers(w io.Writer, list []*anthillv1.Member) error {
	var rows []table.Row
	for _, m := range list {
		rows = append(rows, table.Row{
			jobs.NodeID(m.GetId()).Short(), wire.RoleFromProto(m.GetRole()), m.GetOwner(), memberState(m), stamp(m.GetAdmittedAt()), m.GetShutOut(),
		})
	}
	return writeTable(w, table.Row{"node", "role", "owner", "state", "joined", "remarks"}, rows)
}

func memberState(m *anthillv1.Member) string {
	switch {
	case m.GetRevoked():
		return "revoked"
	case m.GetEndedAt() != nil:
		return "removed"
	case m.GetLiveness() == anthillv1.Liveness_LIVENESS_UNSPECIFIED:
		return ""
	}
	return enumName("LIVENESS_", m.GetLiveness().String())
}

// removal is a way to end a node's part in the grid.
type removal struct {
	use, short, long    string
	revoke, coordinator bool
}

func newEndCommand(e removal) *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use: e.use, Short: e.short, Long: e.long,
		Args: cobra.MinimumNArgs(1),
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			for _, node := range args {
				m, err := grid.EndNode(cmd.Context(), &anthillv1.EndNodeRequest{Node: node, Reason: reason, Revoke: e.revoke, Coordinator: e.coordinator})
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "%s: %v of %s, %s\n", jobs.NodeID(m.GetId()).Short(), wire.RoleFromProto(m.GetRole()), m.GetOwner(), memberState(m))
			}
			return nil
		}),
	}
	addReasonFlag(cmd, &reason)
	return cmd
}

func addReasonFlag(cmd *cobra.Command, reason *string) {
	cmd.Flags().StringVar(reason, "reason", "", "why, for the grid's record: see 'anthill log'")
}

// withGrid runs a command that asks the grid something.
func withGrid(run func(*cobra.Command, *sdk.Grid, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		grid, err := connect(cmd, askPatience)
		if err != nil {
			return err
		}
		defer grid.Close()
		return run(cmd, grid, args)
	}
}
