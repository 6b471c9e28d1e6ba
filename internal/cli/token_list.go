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

func newTokenListCommand() *cobra.Command {
	output, which, limit := formatTable, &anthillv1.ListTokensRequest{}, 0
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the tokens that the grid remembers",
		Long: `List the tokens that the grid remembers, by the hashes of their secrets: what is
listed lets nobody in.`,
		Args: cobra.NoArgs,
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, _ []string) error {
			return writeFirst(cmd, output, grid.EachToken(cmd.Context(), which), limit, writeTokens)
		}),
	}
	cmd.Flags().StringVar(&which.Owner, "owner", "", "only those of this owner")
	addLimitFlag(cmd, &limit)
	addFormatFlag(cmd, &output)
	return cmd
}

func writeTokens(w io.Writer, list []*anthillv1.JoinToken) error {
	var rows []table.Row
	for _, t := range list {
		rows = append(rows, table.Row{
			jobs.TokenID(t.GetId()).Short(), wire.RoleFromProto(t.GetRole()), t.GetOwner(), t.GetUsesLeft(), t.GetUsed(),
			stamp(t.GetExpiresAt()), stamp(t.GetCreatedAt()), jobs.NodeID(t.GetCreatedBy()).Short(),
		})
	}
	return writeTable(w, table.Row{"token", "role", "owner", "uses left", "used", "expires", "created", "by"}, rows)
}

func newTokenRevokeCommand() *cobra.Command {
	var reason string
	cmd := &cobra.Command{
		Use:   "revoke TOKEN...",
		Short: "End tokens, so that nobody joins by them any more",
		Long: `End tokens, so that nobody joins by them any more; who has joined stays (see 'anthill
node revoke'). TOKEN is the token itself, or the first digits of its id as listed, at
least 8.`,
		Args: cobra.MinimumNArgs(1),
		RunE: withGrid(func(cmd *cobra.Command, grid *sdk.Grid, args []string) error {
			for _, token := range args {
				t, err := grid.RevokeToken(cmd.Context(), token, reason)
				if err != nil {
					return err
				}
				fmt.Fprintf(cmd.ErrOrStderr(), "revoked %s: for a %v of %s, %d uses were left\n",
					jobs.TokenID(t.GetId()).Short(), wire.RoleFromProto(t.GetRole()), t.GetOwner(), t.GetUsesLeft())
			}
			return nil
		}),
	}
	addReasonFlag(cmd, &reason)
	return cmd
}
